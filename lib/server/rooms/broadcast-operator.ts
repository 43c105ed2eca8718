import type { Room } from 'socket.io-adapter';
import { assertEmittable } from '../../protocol/reserved-events.js';
import type {
  AnswerOf,
  DefaultEventsMap,
  EventNames,
  EventParams,
  EventsMap,
  RequestParams,
  Untyped,
  WithManyAnswers,
} from '../../protocol/typed-events.js';
import { withCode } from '../../protocol/with-code.js';
import { assertCompress, assertTimeout } from '../util/arguments.js';
import { callSafely, catchRejection } from '../util/safe-call.js';
import { askMany } from './broadcast-ack.js';
import { channels, type EnvelopeDiagnostics } from '../diagnostics/channels.js';
import type { EmitFlags, EventPacket, Namespace, ReachableSocket, Rooms } from './adapter-types.js';
import { REVOKED } from './target.js';
import { RemoteSocket } from './remote-socket.js';
import { openRooms, withRooms } from './room-names.js';

/**
 * A target and how to send to it: Socket.IO's `BroadcastOperator`. Immutable: each step of the chain is a new
 * operator.
 */
export class BroadcastOperator<Emit extends EventsMap = DefaultEventsMap, Data = Untyped> {
  constructor(
    private readonly nsp: Namespace,
    private readonly rooms: ReadonlySet<Room> = new Set(),
    private readonly excluded: ReadonlySet<Room> = new Set(),
    private readonly flags: Readonly<EmitFlags> = {},
  ) {
    if (typeof nsp !== 'object' || nsp === null)
      throw withCode(
        'ERR_ENVELOPE_ILLEGAL_CONSTRUCTOR',
        new TypeError('BroadcastOperator: nsp is missing: server.to(room) makes operators'),
      );
  }

  /**
   * Adds a room, or several, to the target.
   *
   * @throws RoomLimitError on a name that is neither a text nor a number, or longer than `limits.maxRoomNameLength` (and
   * 1,006 characters)
   */
  to(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return new BroadcastOperator(this.nsp, withRooms(this.rooms, rooms, this.nsp), this.excluded, this.flags);
  }

  /** The same as {@link to}. */
  in(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.to(rooms);
  }

  /** Leaves out the members of a room, or of several; a socket's id is a room. Throws as {@link to}. */
  except(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return new BroadcastOperator(this.nsp, this.rooms, withRooms(this.excluded, rooms, this.nsp), this.flags);
  }

  /**
   * Leaves the message uncompressed where `false`. Default: compressed for clients that negotiated permessage-deflate.
   *
   * @throws TypeError on what is neither `true` nor `false`
   */
  compress(compress: boolean): BroadcastOperator<Emit, Data> {
    assertCompress('BroadcastOperator.compress', compress);
    return this.with({ compress });
  }

  /** The message is dropped, not queued, where a line takes no data at the moment of the call. */
  get volatile(): BroadcastOperator<Emit, Data> {
    return this.with({ volatile: true });
  }

  /** Only sockets of this node. */
  get local(): BroadcastOperator<Emit, Data> {
    return this.with({ local: true });
  }

  /**
   * How long, in milliseconds, a request waits for its answers.
   *
   * @throws TypeError on what is no number
   */
  timeout(timeout: number): BroadcastOperator<Emit, Data> {
    assertTimeout('BroadcastOperator.timeout', timeout);
    return this.with({ timeout });
  }

  /**
   * Sends one event to the target. Several arguments arrive as an array; a last one that is a function makes it
   * a request, and gets `(error, answers)`.
   *
   * @throws Error on a reserved event name, TypeError on data that JSON cannot carry: it names the place in it
   */
  emit<Event extends EventNames<Emit>>(
    event: Event,
    ...args: EventParams<WithManyAnswers<Emit>, Event>
  ): true {
    assertEmittable(event);
    return this._emit(event, args, channels.broadcast.hasSubscribers ? this.tell(event) : undefined);
  }

  /** @internal @param meta what travels beside the payload */
  _emit(event: string, args: readonly unknown[], meta: object | undefined): true {
    const last: unknown = args.at(-1);
    const values: readonly unknown[] = typeof last === 'function' ? args.slice(0, -1) : args;
    const data = values.length > 1 ? values : values[0];
    const packet: EventPacket = { type: 2, data: [event, data], ...(data === undefined && { bare: true }) };
    if (meta !== undefined) packet.meta = meta;
    if (typeof last === 'function') {
      askMany(this.nsp, packet, this.target(), (error, answers) =>
        callSafely(
          () => Reflect.apply(last, undefined, [error, answers]) as unknown,
          (thrown) => this.nsp._report(thrown, `the callback of "${event}" threw`),
        ),
      );
    } else {
      this.settle(this.nsp.adapter.broadcast(packet, this.target()));
    }
    return true;
  }

  /**
   * Asks every socket of the target and resolves with their answers, in the order of arrival. Waits 5 seconds
   * unless {@link timeout} says otherwise.
   *
   * @throws (rejects) Error with `responses`, the answers that came, where some did not
   */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>[]> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, answers: AnswerOf<Emit, Event>[]): void => {
        if (error === null) resolve(answers);
        else reject(Object.assign(error, { responses: answers }));
      };
      this.emit(event, ...([...args, done] as Untyped));
    });
  }

  /**
   * The sockets of the target, on every node (only this one after {@link local}).
   *
   * @throws (rejects) Error with `responses`, the sockets that are known of, where a node does not answer
   */
  async fetchSockets(): Promise<(ReachableSocket<Data> & RemoteSocket<Emit, Data>)[]> {
    // another node's socket comes as plain details, ours as itself
    const reachable = (socket: Untyped): Untyped =>
      typeof socket.join === 'function' ? socket : new RemoteSocket(new BroadcastOperator(this.nsp), socket);
    try {
      return (await this.nsp.adapter.fetchSockets(this.target())).map(reachable);
    } catch (error) {
      const { responses } = Object(error) as { responses?: unknown };
      if (Array.isArray(responses)) Object.assign(error as Error, { responses: responses.map(reachable) });
      throw error;
    }
  }

  /**
   * Makes the sockets of the target join a room, or several.
   *
   * @throws RoomLimitError as {@link to}, and on the room of a user
   */
  socketsJoin(rooms: Rooms): void {
    const joined = openRooms(rooms, this.nsp);
    this.settle(this.nsp.adapter.addSockets(this.target(), joined));
  }

  /**
   * Makes the sockets of the target leave a room, or several; each stays in its own.
   *
   * @throws RoomLimitError as {@link to}, and on the room of a user
   */
  socketsLeave(rooms: Rooms): void {
    const left = openRooms(rooms, this.nsp);
    this.revoke();
    this.settle(this.nsp.adapter.delSockets(this.target(), left));
  }

  /** Disconnects the sockets of the target. What was emitted before still arrives. */
  disconnectSockets(close = false): void {
    this.revoke();
    this.settle(this.nsp.adapter.disconnectSockets(this.target(), close));
  }

  /** Those of the target who are away do not get their session back: it has changed behind their backs. */
  private revoke(): void {
    if (this.nsp._recovery === undefined) return;
    const packet: EventPacket = { type: 2, data: [REVOKED, null] };
    this.settle(this.nsp.adapter.broadcast(packet, this.target()));
  }

  private tell(event: string): object | undefined {
    const { nsp: server, rooms, excluded: except } = this;
    const sent: EnvelopeDiagnostics['broadcast'] = { server, event, rooms, except };
    channels.broadcast.publish(sent);
    return sent.meta;
  }

  /** Adapters get copies, and always `flags`: some read fields of it unasked. */
  private target(): { rooms: Set<Room>; except: Set<Room>; flags: EmitFlags } {
    return { rooms: this.rooms as Set<Room>, except: this.excluded as Set<Room>, flags: { ...this.flags } };
  }

  /** Cluster adapters answer with promises that nobody else awaits. */
  private settle(sent: unknown): void {
    catchRejection(sent, (error) => this.nsp._report(error, 'the cluster adapter failed'));
  }

  /** @internal */
  with(flags: EmitFlags): BroadcastOperator<Untyped, Data> {
    return new BroadcastOperator(this.nsp, this.rooms, this.excluded, { ...this.flags, ...flags });
  }
}
