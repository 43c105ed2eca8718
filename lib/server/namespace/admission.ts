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
import { INTERNAL_ERROR } from '../socket/incoming-request.js';
import { runChain, toException } from '../socket/middleware.js';
import type { NamespaceConfig } from './namespace-config.js';
import { isUserRoom } from '../handshake/user-name.js';
import { isEnvelopeV1 } from '../handshake/subprotocols.js';

/** A connection middleware of a server. It calls `next()` to accept the client, or `next(error)` to refuse it. */
export type ServerMiddleware<Client> = (socket: Client, next: (error?: Error) => void) => void;

/**
 * Returns the middlewares of a RegExp namespace, then those of its child. Copies the list, since a middleware may add
 * another.
 */
export function concatMiddlewares<Client>(
  inherited: readonly ServerMiddleware<Client>[] | undefined,
  own: readonly ServerMiddleware<Client>[],
): readonly ServerMiddleware<Client>[] {
  return inherited === undefined && own.length === 0 ? own : [...(inherited ?? []), ...own];
}

/** The listeners for new clients. They receive the socket and the HTTP request. */
export type ConnectionListeners = readonly ((...args: unknown[]) => void)[];

/** The part of a server that {@link admit} uses. */
interface AdmittingServer<Client extends EnvelopeSocket> {
  readonly sockets: Map<string, Client>;
  readonly encoder: { carried: number };
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
  readonly _connectionListeners: ConnectionListeners;
  /** @internal Clients whose middlewares are still running. */
  readonly _connecting: Set<EnvelopeSocket>;
  /** @internal */
  _report(error: unknown, where: string): void;
}

/**
 * Connects a client whose WebSocket is open. Runs the middlewares, joins the client's rooms, sends the greeting
 * (`$session`, or Socket.IO's CONNECT), and calls the `connection` listeners. When `handleConnection` has settled, handles
 * the messages received in the meantime.
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
  // the greeting is the first message: what middlewares emit waits until it is written
  if (!isGreeted(socket)) socket._connection.startWriting();
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
  const hasGreeting = isGreeted(socket);
  // without an owner that its guards identify, no client could resume the session
  const isResumable = hasGreeting && socket._grant?.key !== undefined;
  // a resumed client continues from its offset, even if this node does not know the offset of the log yet
  const resumption = socket._session?.resumption;
  const offset = isResumable ? (resumption?.offset ?? server._recovery?.offset) : undefined;
  if (offset !== undefined) (socket._session ??= new ResumableSession(socket)).begin(offset);
  server.sockets.set(socket.id, socket);
  if (socket._connection.isCarried) server.encoder.carried++;
  const joinedNewRooms = hasJoinedNewRooms(server, socket);
  callSafely(
    () => server.adapter.addAll(socket.id, new Set([socket.id, ...restoredRooms(socket)])),
    (error) => server._report(error, 'the adapter failed'),
  );
  updateUserRoom(socket);
  // code of the application ran: the adapter, and the option identify
  if (socket._isEnded) return;
  const sentMeanwhile = resumption === undefined ? NO_FRAMES : resumption.finish();
  if (sentMeanwhile === undefined)
    return socket._end(
      'server namespace disconnect',
      CLOSE_CODES.INTERNAL_ERROR.code,
      'the session has ended',
    );
  if (hasGreeting) {
    greet(socket, greeting(socket, server._config, offset), sentMeanwhile);
  } else {
    // the application selected a subprotocol without offsets, whose clients cannot use missed messages
    socket._connection.startWriting();
  }
  if (joinedNewRooms) socket._session?.changeRooms();
  socket._lifecycle.connected = true;
  socket._session?.finishReplay();
  server._config.services.connections.connected(socket);
  if (channels.connect.hasSubscribers) channels.connect.publish({ socket });
  for (const listener of server._connectionListeners) {
    // Nest's listener has one rest parameter; the wrappers of its hooks decide themselves whether to keep the request
    if (listener.length > 1) socket._upgrade.keep();
    callSafely(
      () => listener(socket, request),
      (error) => server._report(error, 'a "connection" listener threw'),
    );
  }
  const settled = server._config.gateway.settled(socket);
  if (settled === undefined) return startHandling(server, socket);
  startDeadline(server, socket, 'handleConnection');
  void settled.then(() => {
    clearTimeout(socket._lifecycle.deadline);
    startHandling(server, socket);
  });
}

/**
 * Returns the rooms of a resumed session, except the user's room: the client joins the room of its present user
 * instead.
 */
function restoredRooms({ _session: session }: EnvelopeSocket): readonly Room[] {
  return session?.formerRooms.filter((room) => !isUserRoom(room)) ?? NO_ROOMS;
}

const NO_ROOMS: readonly Room[] = [];

/**
 * Returns whether a middleware made a resumed client join rooms that its session does not contain. The client did not
 * miss earlier messages in those rooms.
 */
function hasJoinedNewRooms<Client extends EnvelopeSocket>(
  server: AdmittingServer<Client>,
  socket: Client,
): boolean {
  if (!socket.recovered) return false;
  const former = new Set(socket._session?.formerRooms);
  return [...(server.adapter.socketRooms(socket.id) ?? [])].some((room) => !former.has(room));
}

/**
 * Starts to handle messages, after `handleConnection` has settled. Joins the user's room first, since that hook may set
 * the user.
 */
function startHandling(server: AdmittingServer<Untyped>, socket: EnvelopeSocket): void {
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
      'a client was disconnected',
    );
    socket._end('server namespace disconnect', CLOSE_CODES.INTERNAL_ERROR.code, 'connectTimeout');
  }, connectTimeout);
}

/** Sends the error of a middleware, then closes the connection with 1008. */
function refuse(socket: EnvelopeSocket, error: Error): void {
  socket._connection.refuse(encodeRefusal(socket, error));
  socket._end('server namespace disconnect', CLOSE_CODES.POLICY_VIOLATION.code, error.message);
}

function encodeRefusal(socket: EnvelopeSocket, error: Error): Encoded {
  const { encoding } = socket._connection;
  try {
    return encoding.refusal(error, toException(error, 'refused'));
  } catch (cause) {
    socket._report(cause, 'an exception cannot be written as JSON');
    return encoding.refusal({ name: error.name, message: String(INTERNAL_ERROR.message) }, INTERNAL_ERROR);
  }
}

const NO_FRAMES: readonly Frame[] = [];

/** Returns whether the first message to a client is a greeting: in Socket.IO's protocol, and in `envelope.v1`. */
function isGreeted({ protocol, _connection: { encoding } }: EnvelopeSocket): boolean {
  return isEnvelopeV1(protocol) || encoding.protocol === 'socket.io';
}

/**
 * Sends the greeting, then the messages that a resumed client missed, then those that guards and middlewares emitted.
 *
 * @param sentMeanwhile the messages that were sent to the client's rooms since the resumption began
 */
function greet(socket: EnvelopeSocket, message: Encoded, sentMeanwhile: readonly Frame[]): void {
  const { outbox } = socket._connection;
  const emittedEarly = outbox.take();
  outbox.pushEncoded(message);
  socket._connection.startWriting();
  socket._session?.replay(sentMeanwhile);
  for (const item of emittedEarly) outbox.push(item);
}

const FEATURES = ['ack', 'stream', 'cancel', 'ping'];

function greeting(
  socket: EnvelopeSocket,
  { limits, gateway }: Pick<NamespaceConfig<unknown>, 'limits' | 'gateway'>,
  offset: string | undefined,
): Encoded {
  const { recovered } = socket;
  const features = [...FEATURES];
  if (gateway.reauthenticate) features.push('auth');
  if (offset !== undefined) features.push('recovery');
  if (gateway.doesOnce) features.push('once');
  features.push(...gateway.transportFeatures);
  const data = {
    id: socket.id,
    recovered,
    session: socket._session?.current?.token,
    ...limits.session,
    features,
    ...socket._lifecycle.expiry?.told,
  };
  // no offset for a resumed client: it continues from its own, since the missed messages follow
  return socket._connection.encoding.greeting(data, recovered ? undefined : offset);
}
