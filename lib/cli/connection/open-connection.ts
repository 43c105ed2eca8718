import type { ConnectError } from '../../client/connect-error.js';
import { connect, type ClientOptions, type ClientSocket, type Credentials } from '../../client/node.js';
import { withCode } from '../../protocol/with-code.js';
import type { Context } from '../command.js';
import { webSocketClass, type CliWebSocket, type WireListener } from './cli-web-socket.js';
import { readPresentation, type Presentation } from './credentials.js';
import { completeUrl } from './url.js';

const DEFAULT_TIMEOUT = 10_000;

/** How a connection ended that the command did not close. */
export interface End {
  readonly code: number;
  readonly reason: string;
}

/** A connection of a command. */
export interface CliConnection {
  readonly socket: ClientSocket;
  /** Resolves when the server ended the connection, and the client does not reconnect. */
  readonly lost: Promise<End>;
  /** Resolves when the server has received what was sent before, and what it sent before has arrived. */
  roundTrip(): Promise<void>;
  /**
   * Sends other credentials on the open connection, and with each one from now on.
   *
   * @throws (rejects) `RequestError` if the server refuses them
   */
  authenticate(credentials: Credentials): Promise<{ expiresAt?: number }>;
  /** Sends a text as it is. */
  sendText(text: string): void;
  /** Closes the connection with a close frame. Resolves when it has closed. */
  close(): Promise<void>;
}

/** What all connections of a command have in common. */
export interface Target {
  readonly url: string;
  /** The URL without the token of the options. */
  readonly shownUrl: string;
  /** Milliseconds, for the connection and for each answer. */
  readonly timeout: number;
  readonly presentation: Presentation;
  readonly isInsecure: boolean;
}

/**
 * Reads the URL and the options of the connection.
 *
 * @throws (rejects) TypeError that names a malformed argument
 */
export async function readTarget({ args }: Context): Promise<Target> {
  const presentation = await readPresentation(args);
  const shownUrl = completeUrl(args.positionals[0]!);
  return {
    url: presentation.url(shownUrl),
    shownUrl,
    timeout: args.duration('timeout', DEFAULT_TIMEOUT),
    presentation,
    isInsecure: args.flag('insecure'),
  };
}

/** Options of one connection. */
interface OpenOptions extends Pick<ClientOptions, 'reconnection'> {
  readonly wire?: Omit<WireListener, 'created'>;
  /** Adds listeners before the first message can arrive. */
  readonly prepare?: (socket: ClientSocket) => void;
}

/**
 * Opens a connection with the client library.
 *
 * @throws (rejects) `ConnectError`, with what the server says, if the connection cannot be opened; `RequestError` if the server
 * refuses the token that is sent on the open connection; the reason of the signal if that aborts first
 */
export async function openConnection(
  target: Target,
  signal: AbortSignal,
  { reconnection = false, wire = {}, prepare }: OpenOptions = {},
): Promise<CliConnection> {
  const { presentation, timeout } = target;
  let current: CliWebSocket | undefined;
  const WebSocket = webSocketClass(presentation, target.isInsecure, {
    created: (webSocket) => {
      current = webSocket;
    },
    sent: (text) => wire.sent?.(text),
    received: (text) => wire.received?.(text),
  });
  /** Credentials that the user chose on the open connection. */
  let chosen: Credentials | undefined;
  let isChoosing = false;
  const socket: ClientSocket = connect(target.url, {
    auth: async () => {
      if (!socket.connected) return chosen ?? presentation.auth();
      // the client library renews by itself before the credentials expire, and tries again later where that fails
      const fresh = isChoosing ? chosen : await presentation.renew();
      return fresh ?? fail('no fresh credentials');
    },
    reconnection,
    connectTimeout: timeout,
    ackTimeout: timeout,
    WebSocket,
  });
  const close = async (): Promise<void> => {
    socket.disconnect();
    await current?.ended;
  };
  const authenticate = async (credentials: Credentials): Promise<{ expiresAt?: number }> => {
    chosen = credentials;
    isChoosing = true;
    try {
      return await socket.reauthenticate();
    } finally {
      isChoosing = false;
    }
  };
  prepare?.(socket);
  const lost = new Promise<End>((resolve) => {
    socket.on('disconnect', (reason, details) => {
      if (reason !== 'io client disconnect' && !details.willReconnect) resolve(details);
    });
    // a later attempt: the first one rejects below
    socket.on('connect_error', (error) => {
      if (!error.willReconnect) resolve({ code: error.code, reason: error.message });
    });
  });
  try {
    await opened(socket, signal, () => current?.refusalBody ?? '');
    if (presentation.later !== undefined) await authenticate(presentation.later);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    socket,
    lost,
    close,
    authenticate,
    sendText: (text) => current?.send(text),
    roundTrip: async () => current?.roundTrip(),
  };
}

function fail(message: string): never {
  throw withCode('ERR_ENVELOPE_INVALID_ARGUMENT', new Error(message));
}

function opened(socket: ClientSocket, signal: AbortSignal, refusalBody: () => string): Promise<void> {
  let abort = (): void => undefined;
  const settled = new Promise<void>((resolve, reject) => {
    abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    socket.once('connect', () => resolve());
    socket.on('connect_error', (error) => {
      if (!error.willReconnect) reject(explain(error, refusalBody()));
    });
  });
  return settled.finally(() => signal.removeEventListener('abort', abort));
}

/** Adds to the message what the client library leaves out: the response of the server, and the causes of a failed connection. */
function explain(error: ConnectError, body: string): ConnectError {
  const { errors } = Object(error.cause) as { errors?: readonly Error[] };
  const details = errors === undefined ? saidIn(body) : errors.map(({ message }) => message).join(', ');
  if (details !== '')
    error.message = `could not connect: ${error.status === undefined ? '' : `HTTP status ${error.status}: `}${details}`;
  return error;
}

/** Returns the message of a refusal: this package, and Nest, send `{"statusCode", "message"}`. */
function saidIn(body: string): string {
  try {
    const { message } = Object(JSON.parse(body)) as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // a proxy's page
  }
  return body.trim();
}

/**
 * Makes two round trips. The second one covers handlers, whose errors follow a few promise jobs after their call: refusals of
 * what was sent before have arrived then.
 */
export async function roundTrips(connection: CliConnection): Promise<void> {
  await connection.roundTrip();
  await connection.roundTrip();
}
