import type {
  AnswerOf,
  EventNames,
  EventParams,
  EventsMap,
  RequestParams,
  WithTimeout,
} from '../../protocol/typed-events.js';
import { assertCompress, assertTimeout } from '../util/arguments.js';
import type { BroadcastOperator } from '../rooms/broadcast-operator.js';
import type { EmitFlags, Rooms } from '../rooms/adapter-types.js';
import type { Outbound } from './outbound.js';

/** How to send to one socket: what `client.volatile` and `client.timeout(…)` return. Immutable. */
export class EmitOperator<Emit extends EventsMap, Data> {
  constructor(
    private readonly outbound: Outbound,
    private readonly flags: Readonly<EmitFlags>,
  ) {}

  /** Sends one event. See `client.emit`. */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventParams<Emit, Event>): boolean {
    return this.outbound.emit(this.flags, event, args);
  }

  /** Sends a request and resolves with the answer. See `client.emitWithAck`. */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>> {
    return this.outbound.ask(this.flags, event, args);
  }

  /** How long, in milliseconds, a request waits for its answer; the callback then takes an error first. */
  timeout(timeout: number): EmitOperator<WithTimeout<Emit>, Data> {
    assertTimeout('EnvelopeSocket.timeout', timeout);
    return new EmitOperator(this.outbound, { ...this.flags, timeout });
  }

  /** Leaves the message uncompressed where `false`. */
  compress(compress: boolean): EmitOperator<Emit, Data> {
    assertCompress('EnvelopeSocket.compress', compress);
    return new EmitOperator(this.outbound, { ...this.flags, compress });
  }

  /** Drops the message, instead of queueing it, if the connection takes no data at the moment of the call. */
  get volatile(): EmitOperator<Emit, Data> {
    return new EmitOperator(this.outbound, { ...this.flags, volatile: true });
  }

  /** Every client but this one. */
  get broadcast(): BroadcastOperator<Emit, Data> {
    return this.outbound.others().with(this.flags);
  }

  /** Every client but this one, on this node. */
  get local(): BroadcastOperator<Emit, Data> {
    return this.broadcast.local;
  }

  /** The members of a room, or of several, but this client. */
  to(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.broadcast.to(rooms);
  }

  /** The same as {@link to}. */
  in(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.broadcast.to(rooms);
  }

  /** Every client but this one and the members of a room, or of several. */
  except(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.broadcast.except(rooms);
  }
}
