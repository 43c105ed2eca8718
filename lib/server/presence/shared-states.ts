import type { Room } from 'socket.io-adapter';
import { isRecord } from '../../protocol/json.js';
import { MAX_DELAY } from '../../protocol/max-delay.js';
import { TokenBucket } from '../util/token-bucket.js';
import type { PeerMessages } from './peer-messages.js';
import type { PresenceHost, Tracked } from './presence-host.js';
import type { StatesRule } from './share-rules.js';
import type { SharedState } from './shared-room.js';
import { SHARED_STATES, SharedRooms, type SharedSource } from './shared-rooms.js';

/** The state of a client in a room. */
interface OwnState {
  key: string | undefined;
  readonly state: unknown;
  /** Ends it after its time to live. */
  readonly timer: ReturnType<typeof setTimeout> | undefined;
}

/** How often a client may ask for the states of a room: an answer can be large. A page asks for each room that it follows. */
const ASKS = new TokenBucket(1, 50);

/**
 * The states that clients set in rooms, such as the position of a cursor: one for each client and room, of which only the latest
 * matters. Each node has those of its own clients.
 */
export class SharedStates implements SharedSource {
  readonly messages = SHARED_STATES;
  readonly isEphemeral = true;
  readonly shared: SharedRooms<StatesRule>;
  /** When each client that has asked for states may do so as often as at first. */
  private readonly asks = new WeakMap<Tracked, number>();
  /** By room, then the id of the client. */
  private readonly rooms = new Map<string, Map<string, OwnState>>();

  /** @param keyOf returns the key of the member that a client is */
  constructor(
    private readonly host: PresenceHost,
    peers: PeerMessages,
    private readonly keyOf: (client: Tracked) => string | undefined,
  ) {
    // before the listeners of SharedRooms, which tell the room
    host.adapter.on('leave-room', (room: Room, id: string) => this.set(String(room), id, undefined));
    this.shared = new SharedRooms(host, this, peers);
  }

  /** Shares the states of rooms. */
  share(rule: StatesRule): void {
    const { event } = rule;
    this.host._clientEvents.set(event, (client: Tracked, data) => this.take(event, client, data));
    this.shared.share(rule);
  }

  /** The key of a client may have changed. */
  keyChanged(client: Tracked): void {
    for (const room of client.rooms) {
      const own = this.rooms.get(String(room))?.get(client.id);
      if (own === undefined) continue;
      own.key = this.keyOf(client);
      this.shared.changed(String(room), client.id);
    }
  }

  names(): string[] {
    return [...this.rooms.keys()];
  }

  list(room: string): [key: string, values: unknown[]][] {
    return [...(this.rooms.get(room)?.keys() ?? [])].map((id) => [id, this.values(room, id)]);
  }

  /** Returns the state as nodes send it to each other; an empty list: none. */
  values(room: string, id: string): unknown[] {
    const own = this.rooms.get(room)?.get(id);
    return own === undefined ? [] : [[own.key ?? null, own.state]];
  }

  entry(id: string, [value]: unknown[]): SharedState | undefined {
    if (!Array.isArray(value)) return undefined;
    const [key, state] = value as unknown[];
    return { id, ...(typeof key === 'string' && { key }), state };
  }

  /** Stops all timers. */
  close(): void {
    this.shared.close();
    for (const states of this.rooms.values()) for (const { timer } of states.values()) clearTimeout(timer);
    this.rooms.clear();
  }

  /**
   * Takes what a client sends: its state in a room, `null` for none. Without a state it asks for those of the others.
   *
   * @returns why it is refused
   */
  private take(event: string, client: Tracked, data: unknown): string | undefined {
    const { room, state, ttl } = (isRecord(data) ? data : {}) as Record<string, unknown>;
    if (typeof room !== 'string') return `${event}: data takes { room, state }, and room is a text`;
    if (ttl !== undefined && (!Number.isInteger(ttl) || (ttl as number) < 1 || (ttl as number) > MAX_DELAY))
      return `${event}: ttl takes a whole number of milliseconds from 1 on`;
    const rule = this.shared.ruleOf(room);
    const isShared = rule?.event === event && client.rooms.has(room);
    // it may not have joined yet, or not any more
    if (!isShared && (state === undefined || state === null)) return undefined;
    if (!isShared) return `${event}: you are in no room of this name whose states are shared`;
    if (state === undefined) return this.tellAgain(event, client, room);
    if (state === null) this.set(room, client.id, undefined);
    else return this.replace(rule, client, room, state, ttl as number | undefined);
    return undefined;
  }

  private tellAgain(event: string, client: Tracked, room: string): string | undefined {
    const fullAt = ASKS.take(this.asks.get(client) ?? 0, performance.now());
    if (fullAt === 0) return `${event}: you ask for the states too often`;
    this.asks.set(client, fullAt);
    this.shared.tellAgain(room, client.id);
    return undefined;
  }

  private replace(
    { event, maxBytes, accept }: StatesRule,
    client: Tracked,
    room: string,
    state: unknown,
    ttl: number | undefined,
  ): string | undefined {
    const text = textOf(state);
    if (text === undefined || Buffer.byteLength(text) > maxBytes)
      return `${event}: a state has at most ${maxBytes} bytes of JSON`;
    // read again: a middleware, or a parser of the application, may have put anything into it
    const value: unknown = JSON.parse(text);
    if (accept !== undefined && accept(value, client, room) !== true)
      return `${event}: the state is not accepted`;
    const end = (): void => this.set(room, client.id, undefined);
    const timer = ttl === undefined ? undefined : setTimeout(end, ttl).unref();
    this.set(room, client.id, { key: this.keyOf(client), state: value, timer });
    return undefined;
  }

  private set(room: string, id: string, own: OwnState | undefined): void {
    let states = this.rooms.get(room);
    const before = states?.get(id);
    clearTimeout(before?.timer);
    if (own !== undefined) {
      if (states === undefined) this.rooms.set(room, (states = new Map()));
      states.set(id, own);
    } else if (before === undefined) return;
    else if (states!.delete(id) && states!.size === 0) this.rooms.delete(room);
    // the other nodes are told once, when all clients have disconnected
    if (!this.host._isClosing) this.shared.changed(room, id);
  }
}

function textOf(state: unknown): string | undefined {
  try {
    return JSON.stringify(state) as string | undefined;
  } catch {
    // a bigint, or a circular value
    return undefined;
  }
}
