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
import { causedByClient } from '../util/client-errors.js';
import { callSafely, catchRejection } from '../util/safe-call.js';
import { broadcastRequest } from './broadcast-ack.js';
import { channels, type EnvelopeDiagnostics } from '../diagnostics/channels.js';
import type { EmitFlags, EventPacket, Namespace, ReachableSocket, Rooms } from './adapter-types.js';
import { REVOKED } from './target.js';
import { RemoteSocket } from './remote-socket.js';
import { RoomMessages, type MessagesOptions } from './room-messages.js';
import { addRooms, manageableRooms } from './room-names.js';

/**
 * A set of rooms, and the options of a broadcast to them: Socket.IO's `BroadcastOperator`. Immutable: each method of
 * the chain returns a new operator.
 *
 * @example
 * const red = server.to('red').except('blue');
 * red.emit('score', 3);
 * const answers = await red.timeout(2_000).emitWithAck('ready?');
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
        new TypeError('BroadcastOperator: nsp is missing: create operators with server.to(room)'),
      );
  }

  /**
   * Adds one or several rooms to the target.
   *
   * @throws RoomLimitError on a name that is neither a string nor a number, or longer than `limits.maxRoomNameLength`
   * (and 1,006 characters)
   * @example server.to('red').to(['blue', 'green']).emit('news', { text: 'Hello' });
   */
  to(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return new BroadcastOperator(this.nsp, addRooms(this.rooms, rooms, this.nsp), this.excluded, this.flags);
  }

  /** An alias of {@link to}. @example server.in('red').emit('news', { text: 'Hello' }); */
  in(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.to(rooms);
  }

  /**
   * Excludes the members of one or several rooms. A socket's id is a room as well. Throws like {@link to}.
   *
   * @example
   * server.to('red').except(client.id).emit('move', { x: 1 });
   */
  except(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return new BroadcastOperator(this.nsp, this.rooms, addRooms(this.excluded, rooms, this.nsp), this.flags);
  }

  /**
   * Sets whether the message is compressed. Default: `true`, for clients that negotiated permessage-deflate.
   *
   * @throws TypeError unless the value is `true` or `false`
   * @example server.to('red').compress(false).emit('news', { text: 'Hello' });
   */
  compress(compress: boolean): BroadcastOperator<Emit, Data> {
    assertCompress('BroadcastOperator.compress', compress);
    return this.with({ compress });
  }

  /**
   * Drops the message for each client whose connection cannot take data at once, instead of queueing it.
   *
   * @example
   * server.to('red').volatile.emit('position', { x: 1 });
   */
  get volatile(): BroadcastOperator<Emit, Data> {
    return this.with({ volatile: true });
  }

  /** Limits the target to sockets of this node. @example const here = await server.in('red').local.fetchSockets(); */
  get local(): BroadcastOperator<Emit, Data> {
    return this.with({ local: true });
  }

  /**
   * Sets how long a request waits for its responses, in milliseconds. Default: 5,000.
   *
   * @throws TypeError unless the value is a number
   * @example const answers = await server.to('red').timeout(2_000).emitWithAck('ready?');
   */
  timeout(timeout: number): BroadcastOperator<Emit, Data> {
    assertTimeout('BroadcastOperator.timeout', timeout);
    return this.with({ timeout });
  }

  /**
   * Sends one event to the target. Several arguments arrive as an array. If the last argument is a function, the event
   * is a request, and the function is called with `(error, responses)`.
   *
   * @throws Error on a reserved event name, TypeError on data that JSON cannot carry: its message contains the place in
   * the data; with the option `validateEmits`, Error on data that is not as `@Emits` declares it
   * @example server.to('red').emit('score', 3);
   */
  emit<Event extends EventNames<Emit>>(
    event: Event,
    ...args: EventParams<WithManyAnswers<Emit>, Event>
  ): true {
    assertEmittable(event);
    this.nsp._config.gateway.checkEmit?.(event, args);
    return this._emit(event, args, channels.broadcast.hasSubscribers ? this.publish(event) : undefined);
  }

  /** @internal Sends an event. @param meta the metadata that the message carries beside its payload */
  _emit(event: string, args: readonly unknown[], meta: object | undefined): true {
    const last: unknown = args.at(-1);
    const values: readonly unknown[] = typeof last === 'function' ? args.slice(0, -1) : args;
    // brokers turn undefined into null, so an event without a payload has no argument
    const isBare = values.length === 1 && values[0] === undefined;
    const packet: EventPacket = { type: 2, data: isBare ? [event] : [event, ...values] };
    if (meta !== undefined) packet.meta = meta;
    if (typeof last === 'function') {
      broadcastRequest(this.nsp, packet, this.target(), (error, responses) =>
        callSafely(
          () => Reflect.apply(last, undefined, [error, responses]) as unknown,
          (thrown) => this.nsp._report(thrown, `the callback of "${event}" threw`),
        ),
      );
    } else {
      this.nsp._history?.keep(packet, this.rooms, this.excluded, this.flags);
      this.reportRejection(this.nsp.adapter.broadcast(packet, this.target()));
    }
    return true;
  }

  /**
   * Sends a request to every socket of the target and resolves with their responses, in the order of arrival. The
   * timeout is 5 seconds, unless {@link timeout} sets another.
   *
   * @throws (rejects) TimeoutError after the timeout, with the responses received so far as `responses`
   * @example const answers = await server.to('red').emitWithAck('ready?');
   */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>[]> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, responses: AnswerOf<Emit, Event>[]): void => {
        if (error === null) resolve(responses);
        else reject(causedByClient(Object.assign(error, { responses })));
      };
      this.emit(event, ...([...args, done] as Untyped));
    });
  }

  /**
   * Returns the messages that the rooms receive from the subscription on, from every node, as an RxJS Observable and an async
   * iterable. They are what a member would receive, except for requests and what is sent to single members. Subscribers share each
   * message: do not change it. Completes when the server stops.
   *
   * @typeParam Sent the events of the rooms, for the types of messages
   * @throws TypeError without a room, after {@link except}, and on an invalid option; Error on a whole RegExp namespace
   * @example
   * for await (const { event, data } of server.in('orders').messages()) await queue.add(event, data);
   */
  messages<Sent extends EventsMap = DefaultEventsMap>(options: MessagesOptions = {}): RoomMessages<Sent> {
    return new RoomMessages(this.nsp, this.target(), options);
  }

  /**
   * Resolves with the sockets of the target on every node, or on this node only after {@link local}.
   *
   * @throws (rejects) Error if a node does not respond, with the sockets of the other nodes as `responses`
   * @example const users = (await server.in('red').fetchSockets()).map(({ data }) => data.user);
   */
  async fetchSockets(): Promise<(ReachableSocket<Data> & RemoteSocket<Emit, Data>)[]> {
    // adapters return sockets of this node themselves, and plain details of those on other nodes
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
   * Makes the sockets of the target join one or several rooms.
   *
   * @throws RoomLimitError like {@link to}, and on the room of a user
   * @example server.in('red').socketsJoin('blue');
   */
  socketsJoin(rooms: Rooms): void {
    const joined = manageableRooms(rooms, this.nsp);
    this.reportRejection(this.nsp.adapter.addSockets(this.target(), joined));
  }

  /**
   * Makes the sockets of the target leave one or several rooms. A socket never leaves the room of its id.
   *
   * @throws RoomLimitError like {@link to}, and on the room of a user
   * @example server.in('red').socketsLeave('blue');
   */
  socketsLeave(rooms: Rooms): void {
    const left = manageableRooms(rooms, this.nsp);
    this.revoke();
    this.reportRejection(this.nsp.adapter.delSockets(this.target(), left));
  }

  /**
   * Disconnects the sockets of the target. Messages emitted before still arrive.
   *
   * @example server.in('red').disconnectSockets();
   */
  disconnectSockets(close = false): void {
    this.revoke();
    this.reportRejection(this.nsp.adapter.disconnectSockets(this.target(), close));
  }

  /**
   * Revokes the sessions of disconnected clients in the target, since their rooms, or the session itself, ended
   * meanwhile.
   */
  private revoke(): void {
    if (this.nsp._recovery === undefined) return;
    // Socket.IO's nodes send it to their clients, which ignore an acknowledgement without an id
    const packet: EventPacket = { type: 3, data: [REVOKED, null] };
    this.reportRejection(this.nsp.adapter.broadcast(packet, this.target()));
  }

  private publish(event: string): object | undefined {
    const { nsp: server, rooms, excluded: except } = this;
    const sent: EnvelopeDiagnostics['broadcast'] = { server, event, rooms, except };
    channels.broadcast.publish(sent);
    return sent.meta;
  }

  /**
   * Returns the options for an adapter. `flags` is a copy and never absent, since some adapters read its fields without
   * a check.
   */
  private target(): { rooms: Set<Room>; except: Set<Room>; flags: EmitFlags } {
    return { rooms: this.rooms as Set<Room>, except: this.excluded as Set<Room>, flags: { ...this.flags } };
  }

  /** Reports the rejection of a cluster adapter's promise, which no other code awaits. */
  private reportRejection(sent: unknown): void {
    catchRejection(sent, (error) => this.nsp._report(error, 'the cluster adapter failed'));
  }

  /** @internal Returns an operator with more options. */
  with(flags: EmitFlags): BroadcastOperator<Untyped, Data> {
    return new BroadcastOperator(this.nsp, this.rooms, this.excluded, { ...this.flags, ...flags });
  }
}
