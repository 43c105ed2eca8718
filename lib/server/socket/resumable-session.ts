import type { Room } from 'socket.io-adapter';
import { withChange, type RoomChange } from '../recovery/membership.js';
import { beginSession, type Session } from '../recovery/session.js';
import { compactResumption, type Resumption } from '../recovery/types.js';
import { endGap, extendGap } from '../recovery/offset-gap.js';
import type { Connection } from '../transport/connection.js';
import { Frame } from '../transport/frame.js';
import { callSafely } from '../util/safe-call.js';
import type { NamespaceContract } from './namespace-contract.js';

/** What a resumable session needs of its socket. */
interface SessionSocket {
  id: string;
  data: unknown;
  readonly nsp: NamespaceContract;
  readonly _connection: Connection;
}

/**
 * What one client can resume after a lost connection, with recovery on: the token that it shows, the offset of the last
 * message that it got, and, of a client that has resumed, what it missed.
 */
export class ResumableSession {
  /** What the client has resumed; `undefined`: it is new. */
  resumption: Resumption | undefined;
  /** What the client can resume later; `undefined` until it gets its token. */
  current: Session | undefined;

  constructor(private readonly socket: SessionSocket) {}

  /** Gives the client a token to resume with, from an offset of the log on. */
  begin(offset: string): void {
    const { token, changes } = this.resumption?.session ?? {};
    const session = beginSession(this.socket.id, offset, token, changes);
    // a Socket.IO client knows by its token that it has resumed its session
    const keepsToken = this.isSocketIo && token !== undefined;
    this.current = keepsToken ? { ...session, token, former: undefined } : session;
  }

  /** The tokens that the client may show: its own, and the former one while it may not have received that. */
  get tokens(): [token?: string, former?: string] {
    if (this.current === undefined) return [];
    const { token, former, pingedAt } = this.current;
    return former !== undefined && this.socket._connection.pingedAt === pingedAt ? [token, former] : [token];
  }

  private get isSocketIo(): boolean {
    return this.socket._connection.encoding.protocol === 'socket.io';
  }

  /** Returns the session to the store: the client disconnected before it was connected. */
  putBack(): void {
    const { resumption, current } = this;
    const token = current?.token;
    resumption?.putBack(token === resumption.session.token ? undefined : token);
  }

  /** Gives a new connection the session that its client had. What its guards wrote just now wins over what was stored. */
  resume(resumption: Resumption): void {
    const { socket } = this;
    const { id, data } = resumption.session;
    this.resumption = resumption;
    this.moveTo(id);
    const fresh = socket.data;
    if (data === undefined || data === null || !isObject(fresh)) return;
    // a handler may have frozen it
    const stored: unknown = isObject(data) && !Object.isExtensible(data) ? { ...data } : data;
    if (isObject(stored)) socket.data = Object.assign(stored, fresh);
    else if (Reflect.ownKeys(fresh).length === 0) socket.data = data;
  }

  /** Guards ran before, and may have made the client join rooms under the id that it had then. */
  private moveTo(id: string): void {
    const { socket } = this;
    const { adapter } = socket.nsp;
    const former = socket.id;
    socket.id = id;
    const rooms = adapter.socketRooms(former);
    if (rooms === undefined) return;
    const joined = new Set(rooms);
    callSafely(
      () => {
        adapter.delAll(former);
        return adapter.addAll(id, joined);
      },
      (error) => socket.nsp._report(error, 'the adapter failed'),
    );
  }

  /** The rooms that the client was in; its own id is one. */
  get formerRooms(): readonly Room[] {
    return this.resumption?.session.rooms ?? NO_ROOMS;
  }

  /** Sends what the client missed, and what was sent since the resumption began. */
  replay(later: readonly Frame[]): void {
    const { resumption, current } = this;
    if (resumption === undefined || current === undefined) return;
    const { outbox } = this.socket._connection;
    // proves that the client has its new token: the one that it showed is void then
    if (current.former !== undefined) current.pingedAt = this.socket._connection.probe();
    outbox.pushMissed(resumption.missed, resumption.bytes);
    current.sent = resumption.missed.at(-1)?.offset ?? current.sent;
    for (const frame of later) outbox.pushLogged(frame);
    this.sendOffset();
  }

  /** Drops what is not needed after the client is connected: it may stay for days. */
  finishReplay(): void {
    if (this.resumption !== undefined) this.resumption = compactResumption(this.resumption);
  }

  /** Whether messages to this client go through the log, since it can get them later: also while it is away. */
  isLogging(isConnected: boolean): boolean {
    return this.current !== undefined && (isConnected || this.current.isKept);
  }

  /** Whether the client has received a logged message from another node already. */
  has(offset: string): boolean {
    return this.resumption?.has(offset) === true;
  }

  /**
   * Notes that a logged message is being sent.
   *
   * @param offset `undefined`: without its offset, since the log does not respond
   * @param isOwn whether this node has written it
   * @returns whether the client has not received it yet
   */
  shouldSend(offset: string | undefined, isOwn: boolean): boolean {
    if (offset === undefined) {
      this.noteSentWithoutOffset();
      return true;
    }
    if (this.has(offset)) return false;
    const { current } = this;
    if (current === undefined) return true;
    current.sent = offset;
    if (isOwn && current.gap !== undefined) current.gap = endGap(current.gap, offset);
    return true;
  }

  /** Notes that the client receives a logged message without its offset. */
  noteSentWithoutOffset(): void {
    const { current } = this;
    if (current !== undefined) current.gap = extendGap(current.gap, current.sent);
  }

  /**
   * Tells the client the current offset: it has received everything before, or that did not concern it. Otherwise a client
   * that joins a room and then resumes would get messages from before it joined.
   */
  sendOffset(): void {
    const { current } = this;
    const recovery = this.socket.nsp._recovery;
    const offset = recovery?.offset;
    // a Socket.IO client takes its offset from the messages; the changes of its rooms are in its session
    if (current === undefined || offset === undefined || this.isSocketIo) return;
    // a node that the client has just moved to may be behind in the log
    if (recovery?.isLater(offset, current.sent) !== true) return;
    current.sent = offset;
    const { encoding, outbox } = this.socket._connection;
    outbox.pushAhead(new Frame(encoding.withOffset(encoding.event('$offset', []), offset)));
  }

  /**
   * Notes that the client's rooms change now: what was sent to a room before the client joined it is not missed. The client
   * may not receive the offset, where its connection is dead.
   *
   * @param change `undefined`: the change is not known
   */
  changeRooms(change?: Omit<RoomChange, 'at'>): void {
    this.sendOffset();
    const { current } = this;
    const recovery = this.socket.nsp._recovery;
    const at = recovery?.offset;
    if (current === undefined || at === undefined) return;
    let forgotten: string | undefined = at;
    if (change !== undefined)
      ({ changes: current.changes, forgotten } = withChange(current.changes, { at, ...change }));
    if (forgotten !== undefined && recovery?.isLater(forgotten, current.from) === true)
      current.from = forgotten;
  }
}

const NO_ROOMS: readonly Room[] = [];

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
