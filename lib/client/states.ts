import { MAX_DELAY } from '../protocol/max-delay.js';
import { invalidArgument } from '../protocol/with-code.js';
import type { ClientSocket } from './client-socket.js';
import { assertListener, callListener } from './listeners.js';
import { changeMembers, type RoomNews } from './member-list.js';
import { writeMessage } from './message.js';
import { assertRoomArguments } from './room-arguments.js';

/** The state of another client in a room. */
export interface OtherState<State = unknown> {
  /** The id of that client: `socket.id` there. */
  readonly id: string;
  /** The key of the member that it is, or else the name of its user; absent if it has neither. */
  readonly key?: string;
  readonly state: State;
}

/** The part of a client that states use. */
type StatesSocket = Pick<ClientSocket, 'on' | 'off' | 'id' | 'connected' | 'emit' | 'volatile'>;

/** Milliseconds between two messages: the server tells no more often. */
const EVERY = 50;

/** What a client wants its state to be. */
interface Wanted {
  readonly state: unknown;
  /** The state as JSON. */
  readonly text: string;
  readonly ttl: number | undefined;
  /** The object whose `stop` ends the state. */
  readonly holder: object;
}

/**
 * A list of the server does not have what was sent: the client was out of the room, or the two have crossed on the way. So the
 * server may still take it, and whatever the client wants is sent again.
 */
const UNCERTAIN: Wanted = { state: undefined, text: '', ttl: undefined, holder: {} };

/** The states of one room, and the own one, for all that follow the room on one client. */
class RoomChannel {
  others: readonly OtherState[] = [];
  count = 0;
  isCurrent = false;
  readonly listeners = new Set<() => void>();
  holders = 0;
  /** `undefined`: no state. */
  #wanted: Wanted | undefined;
  /** What the server has. */
  #sent: Wanted | undefined;
  #sentAt = -Infinity;
  /** Sends what may not be sent yet. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Ends the own state after its time to live. */
  #expiry: ReturnType<typeof setTimeout> | undefined;
  readonly close: () => void;

  constructor(
    readonly socket: StatesSocket,
    readonly room: string,
    readonly event: string,
  ) {
    const onNews = (news: RoomNews<OtherState>): void => {
      if (Object(news).room === room) this.#apply(news);
    };
    const onDisconnect = (): void => this.#lost();
    socket.on(event, onNews);
    socket.on('disconnect', onDisconnect);
    this.close = () => {
      socket.off(event, onNews);
      socket.off('disconnect', onDisconnect);
      clearTimeout(this.#timer);
      clearTimeout(this.#expiry);
    };
    // this client may be in the room already; otherwise the server ignores it
    if (socket.connected) socket.emit(event, { room });
  }

  set(holder: object, state: unknown, ttl: number | undefined): void {
    clearTimeout(this.#expiry);
    if (state === undefined || state === null) this.#wanted = undefined;
    else {
      const text = writeMessage({ event: this.event, data: state });
      this.#wanted = { state, text, ttl, holder };
      if (ttl !== undefined) this.#expiry = setTimeout(() => this.#expire(), ttl);
    }
    this.#send();
  }

  /** Ends the own state at once, unless another holder has set it. One that has ended may still be to be told. */
  release(holder: object): void {
    if (this.#wanted !== undefined && this.#wanted.holder !== holder) return;
    this.set(holder, null, undefined);
    if (this.#sent !== undefined && this.socket.connected)
      this.socket.emit(this.event, { room: this.room, state: null });
    this.#sent = undefined;
  }

  #expire(): void {
    // the server ends it as well
    if (this.#expiresAt <= performance.now() + EVERY) this.#sent = undefined;
    this.#wanted = undefined;
    this.#send();
  }

  /** When the server ends the own state. */
  get #expiresAt(): number {
    return this.#sentAt + (this.#sent?.ttl ?? Infinity);
  }

  /** Sends the own state, if it is new, or is to live on: at most every 50 ms. */
  #send(): void {
    clearTimeout(this.#timer);
    const { socket, room, event } = this;
    const wanted = this.#wanted;
    // who is not in the room tells nothing
    if (!this.isCurrent || !socket.connected || wanted === this.#sent) return;
    const now = performance.now();
    const isKnown = wanted !== undefined && wanted.text === this.#sent?.text && wanted.ttl === this.#sent.ttl;
    // half of its time to live is left for the way to the server
    const dueAt = isKnown ? this.#sentAt + (wanted.ttl ?? Infinity) / 2 : this.#sentAt + EVERY;
    if (dueAt > now) return this.#sendLater(dueAt - now);
    const data = {
      room,
      state: wanted?.state ?? null,
      ...(wanted?.ttl !== undefined && { ttl: wanted.ttl }),
    };
    if (!socket.volatile.emit(event, data)) return this.#sendLater(EVERY);
    this.#sent = wanted;
    this.#sentAt = now;
  }

  #sendLater(delay: number): void {
    if (delay < Infinity) this.#timer = setTimeout(() => this.#send(), delay);
  }

  #apply(news: RoomNews<OtherState>): void {
    const isWhole = news.all !== undefined || news.count !== undefined;
    // of an earlier connection: everything follows
    if (!isWhole && !this.isCurrent) return;
    const { id } = this.socket;
    const isMissing = news.all?.some((other) => other.id === id) === false;
    if (isMissing && this.#sent !== undefined) this.#sent = UNCERTAIN;
    this.others = changeMembers(this.others, news, ({ id }) => id).filter((other) => other.id !== id);
    this.count = news.count ?? this.others.length;
    this.isCurrent = true;
    this.#send();
    this.#notify();
  }

  #lost(): void {
    this.#sent = undefined;
    this.#sentAt = -Infinity;
    if (!this.isCurrent) return;
    this.isCurrent = false;
    this.#notify();
  }

  #notify(): void {
    for (const listener of [...this.listeners]) if (this.listeners.has(listener)) callListener(listener, []);
  }
}

/** By client, then room and event. */
const channels = new WeakMap<object, Map<string, RoomChannel>>();

/**
 * The states of the others in one room, as a server with `presence.shareStates(room)` tells them, and the own one.
 *
 * @typeParam State the states of all clients in the room
 */
class RoomStates<State = unknown> {
  readonly #channel: RoomChannel;
  readonly #listeners = new Set<() => void>();
  #isStopped = false;
  readonly #forget: () => void;

  /** @internal */
  constructor(channel: RoomChannel, forget: () => void) {
    this.#channel = channel;
    this.#forget = forget;
    channel.holders++;
  }

  /**
   * The latest states of the other clients, in the order in which they came; this client's other tabs are others. A new list
   * after each change. Empty in a room with too many.
   * @example const cursors = states<{ x: number }>(socket, 'board:7').others.map(({ state }) => state.x);
   */
  get others(): readonly OtherState<State>[] {
    return this.#channel.others as readonly OtherState<State>[];
  }

  /** The number of others with a state; in a room with too many, of all. */
  get count(): number {
    return this.#channel.count;
  }

  /** Whether this client is connected and in the room. While it is `false`, the others may be out of date. */
  get isCurrent(): boolean {
    return this.#channel.isCurrent;
  }

  /**
   * Sets the own state, which replaces the one before. Call it as often as you like: the client sends the latest one, at most
   * every 50 ms, and nothing if it has not changed. Before this client is in the room, and while it is away, the state waits.
   *
   * @param state plain data; `null` ends it
   * @param options `ttl`: milliseconds after which the state ends, unless `set` is called again. Default: it ends with the connection
   * @throws TypeError if JSON cannot carry the state, or on an invalid `ttl`
   * @example states<{ x: number }>(socket, 'board:7').set({ x: 1 }, { ttl: 10_000 });
   */
  set(state: State | null, { ttl }: { ttl?: number | undefined } = {}): void {
    if (ttl !== undefined && !(ttl >= 1 && ttl <= MAX_DELAY && Number.isInteger(ttl)))
      throw invalidArgument(`set: ttl is ${String(ttl)}: it takes a whole number of milliseconds from 1 on`);
    if (!this.#isStopped) this.#channel.set(this, state, ttl);
  }

  /**
   * Adds a listener. It runs after each change of the others, with this object.
   *
   * @returns a function that removes it
   * @throws TypeError if the listener is not a function
   * @example states(socket, 'board:7').onChange(({ others }) => show(others));
   */
  onChange(listener: (states: this) => void): () => void {
    assertListener('change', listener);
    const call = (): void => listener(this);
    if (!this.#isStopped) {
      this.#listeners.add(call);
      this.#channel.listeners.add(call);
    }
    return () => this.#remove(call);
  }

  /**
   * Ends it: no listener runs any more, and the state that `set` has set ends. It leaves no room: that is for the application to
   * request.
   *
   * @example
   * const board = states(socket, 'board:7');
   * board.stop();
   */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const listener of this.#listeners) this.#remove(listener);
    this.#channel.release(this);
    if (--this.#channel.holders > 0) return;
    this.#channel.close();
    this.#forget();
  }

  #remove(listener: () => void): void {
    this.#listeners.delete(listener);
    this.#channel.listeners.delete(listener);
  }
}

export type { RoomStates };

/**
 * Follows the states of the others in a room, such as the positions of their cursors, and sets the own one.
 *
 * @param event the event that the server's `presence.shareStates` names
 * @throws TypeError without a client, a room, or a name of an event
 * @example
 * const board = states<{ x: number; y: number }>(socket, 'board:7');
 * onpointermove = ({ x, y }) => board.set({ x, y });
 * board.onChange(({ others }) => draw(others)); // [{ id, key, state: { x, y } }, …]
 */
export function states<State = unknown>(
  socket: Pick<ClientSocket<never, never>, 'on' | 'off'>,
  room: string,
  event = 'states',
): RoomStates<State> {
  assertRoomArguments('states', socket, room, event);
  const ofSocket = channels.get(socket) ?? new Map<string, RoomChannel>();
  channels.set(socket, ofSocket);
  const key = JSON.stringify([event, room]);
  let channel = ofSocket.get(key);
  if (channel === undefined) {
    channel = new RoomChannel(socket as unknown as StatesSocket, room, event);
    ofSocket.set(key, channel);
  }
  return new RoomStates(channel, () => void ofSocket.delete(key));
}
