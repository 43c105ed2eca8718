import type { IncomingMessage } from 'node:http';
import type { Room } from 'socket.io-adapter';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import type { Untyped } from '../../protocol/typed-events.js';
import { withCode } from '../../protocol/with-code.js';
import { callSafely } from '../util/safe-call.js';
import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import { updateUserRoom } from '../socket/socket-rooms.js';
import { channels } from '../diagnostics/channels.js';
import type { Encoded } from '../transport/encoding.js';
import type { Frame } from '../transport/frame.js';
import type { Recovery } from '../recovery/types.js';
import { ResumableSession } from '../socket/resumable-session.js';
import { runChain, toException } from '../socket/middleware.js';
import type { NamespaceConfig } from './namespace-config.js';
import { isUserRoom } from '../handshake/user-name.js';
import { ENVELOPE_V1 } from '../handshake/subprotocols.js';

/** A connection middleware of a server: gets the socket and `next`; `next(error)` refuses the client. */
export type ServerMiddleware<Client> = (socket: Client, next: (error?: Error) => void) => void;

/** What admitting a client needs of the server. */
interface AdmittingServer<Client extends EnvelopeSocket> {
  readonly sockets: Map<string, Client>;
  readonly adapter: {
    addAll(id: string, rooms: Set<Room>): unknown;
    socketRooms(id: string): Set<Room> | undefined;
  };
  /** @internal */
  readonly _recovery: Recovery | undefined;
  /** @internal */
  readonly _config: Pick<NamespaceConfig<unknown>, 'limits' | 'services' | 'gateway'>;
  /** @internal */
  readonly _middlewares: readonly ServerMiddleware<Client>[];
  /** @internal */
  readonly _connectionListeners: ((...args: unknown[]) => void)[];
  /** @internal Clients that the middlewares have not let in yet. */
  readonly _connecting: Set<EnvelopeSocket>;
  /** @internal */
  _report(error: unknown, where: string): void;
}

/**
 * From an open WebSocket to a client that gateways know: the middlewares, `$session` where it was asked for, the
 * `connection` listeners, and, once `handleConnection` has settled, the messages that came meanwhile.
 */
export function admit<Client extends EnvelopeSocket>(
  server: AdmittingServer<Client>,
  socket: Client,
  request: IncomingMessage,
): void {
  const { maxLifetime } = server._config.limits;
  if (maxLifetime !== Infinity) socket._lifecycle.getExpiry().limit(maxLifetime);
  const middlewares = server._middlewares;
  if (middlewares.length === 0) return connect(server, socket, request);
  // `$session` says that the client is connected: where it follows, nothing that middlewares emit goes before it
  if (socket.protocol !== ENVELOPE_V1) socket._connection.startWriting();
  startDeadline(server, socket, 'a connection middleware');
  server._connecting.add(socket);
  runChain(
    middlewares,
    socket,
    (error) => {
      clearTimeout(socket._lifecycle.deadline);
      if (socket._isEnded) return;
      if (error === undefined) connect(server, socket, request);
      else refuse(socket, error);
    },
    (error) => server._report(error, 'a connection middleware threw after it had called next'),
  );
}

function connect<Client extends EnvelopeSocket>(
  server: AdmittingServer<Client>,
  socket: Client,
  request: IncomingMessage,
): void {
  server._connecting.delete(socket);
  const isEnvelopeV1 = socket.protocol === ENVELOPE_V1;
  // nobody can resume the session of a client if its guards do not say whose it is
  const isResumable = isEnvelopeV1 && socket._grant?.key !== undefined;
  // a client that resumes goes on from the offset that it has, also where this node cannot tell yet how the log stands
  const resumption = socket._session?.resumption;
  const position = isResumable ? (resumption?.offset ?? server._recovery?.position) : undefined;
  if (position !== undefined) (socket._session ??= new ResumableSession(socket)).begin(position);
  server.sockets.set(socket.id, socket);
  const joinedNewRooms = hasJoinedNewRooms(server, socket);
  callSafely(
    () => server.adapter.addAll(socket.id, new Set([socket.id, ...restoredRooms(socket)])),
    (error) => server._report(error, 'the adapter failed'),
  );
  updateUserRoom(socket);
  const sentMeanwhile = resumption === undefined ? NO_FRAMES : resumption.finish();
  if (sentMeanwhile === undefined)
    return socket._end(
      'server namespace disconnect',
      CLOSE_CODES.INTERNAL_ERROR.code,
      'the session has ended',
    );
  if (isEnvelopeV1) {
    sendSession(socket, sessionMessage(socket, server._config, position), sentMeanwhile);
  } else {
    // the application selected a subprotocol that knows no offsets: what such a client missed is of no use
    socket._connection.startWriting();
  }
  if (joinedNewRooms) socket._session?.changeRooms();
  socket._lifecycle.connected = true;
  socket._session?.finishReplay();
  server._config.services.connections.connected(socket);
  if (channels.connect.hasSubscribers) channels.connect.publish({ socket });
  for (const listener of server._connectionListeners) {
    // Nest's own takes a list of arguments, and its hooks are looked at by themselves
    if (listener.length > 1) socket._upgrade.keep();
    callSafely(
      () => listener(socket, request),
      (error) => server._report(error, 'a "connection" listener threw'),
    );
  }
  const settled = server._config.gateway.settled(socket);
  if (settled === undefined) return ready(server, socket);
  startDeadline(server, socket, 'handleConnection');
  void settled.then(() => {
    clearTimeout(socket._lifecycle.deadline);
    ready(server, socket);
  });
}

/** The room of a user is joined by step the user is now, not by step was there. */
function restoredRooms({ _session: session }: EnvelopeSocket): readonly Room[] {
  return session?.formerRooms.filter((room) => !isUserRoom(room)) ?? NO_ROOMS;
}

const NO_ROOMS: readonly Room[] = [];

/**
 * Whether a middleware made a client that resumes join rooms which its session does not have. What was said there
 * before is not what the client missed.
 */
function hasJoinedNewRooms<Client extends EnvelopeSocket>(
  server: AdmittingServer<Client>,
  socket: Client,
): boolean {
  if (!socket.recovered) return false;
  const former = new Set(socket._session?.formerRooms);
  return [...(server.adapter.socketRooms(socket.id) ?? [])].some((room) => !former.has(room));
}

/** `handleConnection` is through; it may have set the user. */
function ready(server: AdmittingServer<Untyped>, socket: EnvelopeSocket): void {
  if (socket._isEnded) return;
  updateUserRoom(socket);
  if (server._config.gateway.hidesRequests) socket._upgrade.pack();
  socket._lifecycle.open();
}

function startDeadline(server: AdmittingServer<Untyped>, socket: EnvelopeSocket, step: string): void {
  if (socket._isEnded) return;
  const { connectTimeout } = server._config.limits;
  socket._lifecycle.deadline = setTimeout(() => {
    server._report(
      withCode(
        'ERR_ENVELOPE_CONNECT_TIMEOUT',
        new Error(`${step} did not settle within ${connectTimeout} ms (connectTimeout)`),
      ),
      'a client was let go',
    );
    socket._end('server namespace disconnect', CLOSE_CODES.INTERNAL_ERROR.code, 'connectTimeout');
  }, connectTimeout);
}

function refuse(socket: EnvelopeSocket, error: Error): void {
  socket._outbound.fail(toException(error, 'refused'));
  socket._end('server namespace disconnect', CLOSE_CODES.POLICY_VIOLATION.code, error.message);
}

const NO_FRAMES: readonly Frame[] = [];

/**
 * Sends `$session`, what a client that resumes has missed, and then what guards and middlewares emitted.
 *
 * @param sentMeanwhile what was sent to its rooms since the resumption began
 */
function sendSession(socket: EnvelopeSocket, session: Encoded, sentMeanwhile: readonly Frame[]): void {
  const { outbox } = socket._connection;
  const emittedEarly = outbox.take();
  outbox.pushEncoded(session);
  socket._connection.startWriting();
  socket._session?.replay(sentMeanwhile);
  for (const item of emittedEarly) outbox.push(item);
}

const FEATURES = ['ack', 'stream', 'cancel', 'ping'];

function sessionMessage(
  socket: EnvelopeSocket,
  { limits, gateway }: Pick<NamespaceConfig<unknown>, 'limits' | 'gateway'>,
  position: string | undefined,
): Encoded {
  const { recovered } = socket;
  const features = [...FEATURES];
  if (gateway.reauthenticate) features.push('auth');
  if (position !== undefined) features.push('recovery');
  const data = {
    id: socket.id,
    recovered,
    session: socket._session?.current?.token,
    ...limits.session,
    features,
  };
  const { encoding } = socket._connection;
  const message = encoding.event('$session', data);
  // a client that resumes keeps its own offset: what it missed is still to be sent
  return recovered || position === undefined ? message : encoding.withOffset(message, position);
}
