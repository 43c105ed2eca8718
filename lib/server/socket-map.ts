import type { Adapter } from 'socket.io-adapter';
import type { EventNames, EventParams, EventsMap, WithManyAnswers } from '../protocol/typed-events.js';
import type { BroadcastOperator } from './broadcast-operator.js';
import type { Rooms } from './contract.js';
import type { Conversation } from './conversation.js';

/** What the map needs of its server. */
interface Everybody<Emit extends EventsMap, Data> {
  readonly name: string;
  readonly adapter: Adapter;
  to(rooms: Rooms): BroadcastOperator<Emit, Data>;
  except(rooms: Rooms): BroadcastOperator<Emit, Data>;
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventParams<WithManyAnswers<Emit>, Event>): boolean;
  fetchSockets(): ReturnType<BroadcastOperator<Emit, Data>['fetchSockets']>;
}

/** `server.sockets`: the connected sockets by id, which also answers as Socket.IO's default namespace does. */
export class SocketMap<
  Client extends Conversation,
  Emit extends EventsMap,
  Data,
> extends Map<string, Client> {
  constructor(private readonly server: Everybody<Emit, Data>) {
    super();
  }

  /** The map itself: what Socket.IO calls `namespace.sockets`. */
  get sockets(): this {
    return this;
  }
  get name(): string {
    return this.server.name;
  }
  get adapter(): Adapter {
    return this.server.adapter;
  }
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventParams<WithManyAnswers<Emit>, Event>): boolean {
    return this.server.emit(event, ...args);
  }
  to(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.server.to(rooms);
  }
  in(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.server.to(rooms);
  }
  except(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.server.except(rooms);
  }
  fetchSockets(): ReturnType<BroadcastOperator<Emit, Data>['fetchSockets']> {
    return this.server.fetchSockets();
  }
}
