import type { IncomingMessage } from 'node:http';
import type { Room } from 'socket.io-adapter';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import type { Untyped } from '../../protocol/typed-events.js';
import { callSafely } from '../util/safe-call.js';
import type { Conversation } from '../socket/conversation.js';
import { channels } from '../diagnostics/channels.js';
import type { Frame } from '../transport/frame.js';
import type { Recovery } from '../recovery/types.js';
import { runChain, toException } from '../socket/middleware.js';
import type { NamespaceConfig } from './namespace-config.js';
import { isUserRoom } from '../handshake/user-name.js';
import { ENVELOPE_V1 } from '../handshake/subprotocols.js';

/** A connection middleware of a server: gets the socket and `next`; `next(error)` refuses the client. */
export type ServerMiddleware<Client> = (socket: Client, next: (error?: Error) => void) => void;

/** What admitting a client needs of the server. */
interface AdmittingServer<Client extends Conversation> {
  readonly sockets: Map<string, Client>;
  readonly adapter: {
    addAll(id: string, rooms: Set<Room>): unknown;
    socketRooms(id: string): Set<Room> | undefined;
  };
  /** @internal */
  readonly _recovery: Recovery | undefined;
  /** @internal */
  readonly _mount: Pick<
    NamespaceConfig<unknown>,
    'session' | 'settled' | 'connections' | 'connectTimeout' | 'reauthenticate' | 'hidesRequests'
  >;
  /** @internal */
  readonly _middlewares: readonly ServerMiddleware<Client>[];
  /** @internal */
  readonly _connectionListeners: ((...args: unknown[]) => void)[];
  /** @internal Clients that the middlewares have not let in yet. */
  readonly _arriving: Set<Conversation>;
  /** @internal */
  _report(error: unknown, where: string): void;
}

/**
 * From an open WebSocket to a client that gateways know: the middlewares, `$session` where it was asked for, the
 * `connection` listeners, and, once `handleConnection` has settled, the messages that came meanwhile.
 */
export function admit<Client extends Conversation>(
  server: AdmittingServer<Client>,
  socket: Client,
  request: IncomingMessage,
): void {
  const { maxLifetime } = socket._limits;
  if (maxLifetime !== Infinity) socket._lasting().limit(maxLifetime);
  const middlewares = server._middlewares;
  if (middlewares.length === 0) return connect(server, socket, request);
  // `$session` says that the client is connected: where it follows, nothing that middlewares emit goes before it
  if (socket.protocol !== ENVELOPE_V1) socket._startWriting();
  startDeadline(server, socket, 'a connection middleware');
  server._arriving.add(socket);
  runChain(
    middlewares,
    socket,
    (error) => {
      clearTimeout(socket._deadline);
      if (socket._gone) return;
      if (error === undefined) connect(server, socket, request);
      else refuse(socket, error);
    },
    (error) => server._report(error, 'a connection middleware threw after it had called next'),
  );
}

function connect<Client extends Conversation>(
  server: AdmittingServer<Client>,
  socket: Client,
  request: IncomingMessage,
): void {
  server._arriving.delete(socket);
  const isTold = socket.protocol === ENVELOPE_V1;
  // nobody can resume the session of a client if its guards do not say whose it is
  const isKept = isTold && socket._grant?.key !== undefined;
  // a client that resumes goes on from the offset that it has, also where this node cannot tell yet how the log stands
  const position = isKept ? (socket._resumption?.offset ?? server._recovery?.position) : undefined;
  if (position !== undefined) socket._beginSession(position);
  server.sockets.set(socket.id, socket);
  const joined = joinedBefore(server, socket);
  callSafely(
    () => server.adapter.addAll(socket.id, new Set([socket.id, ...restoredRooms(socket)])),
    (error) => server._report(error, 'the adapter failed'),
  );
  socket._joinUserRoom();
  const later = socket._resumption === undefined ? NOTHING : socket._resumption.later();
  if (later === undefined)
    return socket._end(
      'server namespace disconnect',
      CLOSE_CODES.INTERNAL_ERROR.code,
      'the session has ended',
    );
  if (isTold) {
    socket._greet(sessionFrame(socket, server._mount, position), later);
  } else {
    // the application selected a subprotocol that knows no offsets: what such a client missed is of no use
    socket._startWriting();
  }
  if (joined) socket._tellRooms();
  socket.connected = true;
  socket._resumed();
  server._mount.connections.came(socket);
  if (channels.connect.hasSubscribers) channels.connect.publish({ socket });
  for (const listener of server._connectionListeners) {
    // Nest's own takes a list of arguments, and its hooks are looked at by themselves
    if (listener.length > 1) socket._keepRequest();
    callSafely(
      () => listener(socket, request),
      (error) => server._report(error, 'a "connection" listener threw'),
    );
  }
  const settled = server._mount.settled(socket);
  if (settled === undefined) return ready(server, socket);
  startDeadline(server, socket, 'handleConnection');
  void settled.then(() => {
    clearTimeout(socket._deadline);
    ready(server, socket);
  });
}

/** The room of a user is joined by who the user is now, not by who was there. */
function restoredRooms({ _resumption: resumption }: Conversation): readonly Room[] {
  return resumption?.session.rooms.filter((room) => !isUserRoom(room)) ?? NO_ROOMS;
}

const NO_ROOMS: readonly Room[] = [];

/**
 * Whether a middleware made a client that resumes join rooms which its session does not have. What was said there
 * before is not what the client missed.
 */
function joinedBefore<Client extends Conversation>(server: AdmittingServer<Client>, socket: Client): boolean {
  if (socket._resumption === undefined) return false;
  const former = new Set(socket._resumption.session.rooms);
  return [...(server.adapter.socketRooms(socket.id) ?? [])].some((room) => !former.has(room));
}

/** `handleConnection` is through; it may have set the user. */
function ready(server: AdmittingServer<Untyped>, socket: Conversation): void {
  if (socket._gone) return;
  socket._joinUserRoom();
  if (server._mount.hidesRequests) socket._packRequest();
  socket._open();
}

function startDeadline(server: AdmittingServer<Untyped>, socket: Conversation, who: string): void {
  if (socket._gone) return;
  const { connectTimeout } = server._mount;
  socket._deadline = setTimeout(() => {
    server._report(
      new Error(`${who} did not settle within ${connectTimeout} ms (connectTimeout)`),
      'a client was let go',
    );
    socket._end('server namespace disconnect', CLOSE_CODES.INTERNAL_ERROR.code, 'connectTimeout');
  }, connectTimeout);
}

function refuse(socket: Conversation, error: Error): void {
  socket._except(toException(error, 'refused'));
  socket._end('server namespace disconnect', CLOSE_CODES.POLICY_VIOLATION.code, error.message);
}

/** What a client missed that does not resume. */
const NOTHING: readonly Frame[] = [];

const FEATURES = ['ack', 'stream', 'cancel', 'ping'];

function sessionFrame(
  socket: Conversation,
  { session, reauthenticate }: Pick<NamespaceConfig<unknown>, 'session' | 'reauthenticate'>,
  position: string | undefined,
): string {
  const recovered = socket._resumption !== undefined;
  const features = [...FEATURES];
  if (reauthenticate) features.push('auth');
  if (position !== undefined) features.push('recovery');
  const data = { id: socket.id, recovered, session: socket._session?.token, ...session, features };
  // who comes back goes on from the offset that it has: what it missed is still to come
  return JSON.stringify({ event: '$session', data, offset: recovered ? undefined : position });
}
