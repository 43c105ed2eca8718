/** One row of {@link ERROR_CODES}. */
interface ErrorDescription {
  /** The part of the page that lists the error. */
  readonly topic: 'calls' | 'start' | 'running' | 'testing';
  /** The classes of the error, for `instanceof`. */
  readonly class: string;
  /** What throws it, and when. */
  readonly when: string;
  /** What to do about it. */
  readonly fix: string;
}

/**
 * Every error of this package that an application can catch or find in its log, by its stable `code`. Messages may change,
 * codes do not. `docs/errors.md` is generated from this table: `npm run docs:errors`. Only types of this file are imported
 * at runtime, so the texts are not part of the client's bundle.
 */
export const ERROR_CODES = {
  ERR_ENVELOPE_INVALID_ARGUMENT: {
    topic: 'calls',
    class: 'TypeError, RangeError',
    when: 'A function or decorator was called with an argument of the wrong type, or with a value out of range.',
    fix: 'The message names the function, the parameter, the value, and what to pass instead.',
  },
  ERR_ENVELOPE_INVALID_OPTION: {
    topic: 'calls',
    class: 'TypeError, Error',
    when: 'An option is unknown, malformed, or set in the wrong place. Options of an adapter, gateway or module are checked at start.',
    fix: 'The message names the option, its value, and the values that it takes; for an unknown name, the nearest known one.',
  },
  ERR_ENVELOPE_INVALID_RETURN_VALUE: {
    topic: 'calls',
    class: 'TypeError',
    when: 'A function of an option (`identify`, `recovery.restore`) returned something else than it should. Logged, not thrown.',
    fix: 'Return what the message asks for.',
  },
  ERR_ENVELOPE_ILLEGAL_CONSTRUCTOR: {
    topic: 'calls',
    class: 'TypeError',
    when: 'The application called the constructor of a class that only this package creates, such as `EnvelopeSocket`.',
    fix: 'Use the function or property that the message names.',
  },
  ERR_ENVELOPE_INVALID_EVENT: {
    topic: 'calls',
    class: 'Error',
    when: 'An event name is empty or not a text, or a handler subscribes to an event that no client can send.',
    fix: 'Use another name.',
  },
  ERR_ENVELOPE_RESERVED_EVENT: {
    topic: 'calls',
    class: 'Error',
    when: '`emit`, `emitWithAck`, `serverSideEmit`, `stream` or `subscribe` was called with a reserved name, such as `connect` or a name that begins with `$`.',
    fix: 'Use another name. PROTOCOL.md lists the reserved ones.',
  },
  ERR_ENVELOPE_NO_HISTORY: {
    topic: 'calls',
    class: 'Error',
    when: '`client.join(room, { after, rewind })` or `server.history(room)` was called for a room without a history, or without the option `history`.',
    fix: 'Set the option `history`, or add a pattern of that room to its `rooms`.',
  },
  ERR_ENVELOPE_INVALID_PAYLOAD: {
    topic: 'calls',
    class: 'TypeError',
    when: 'JSON cannot carry the data, for example because it contains bytes, a `Map`, `NaN` or a circular reference.',
    fix: 'The message names the place in the data and what to send instead.',
  },
  ERR_ENVELOPE_INVALID_EMIT: {
    topic: 'calls',
    class: 'Error',
    when: 'With the option `validateEmits`: the data of an `emit` does not match what `@Emits` declares. Logged, not thrown, if a handler answers with data that its `@Replies` does not allow: the client gets "Internal server error".',
    fix: 'The message names the gateway, the event and the place in the data. Correct the data or the declaration.',
  },
  ERR_ENVELOPE_UNSUPPORTED: {
    topic: 'calls',
    class: 'Error',
    when: 'A member has no meaning here: `emitWithAck` on a whole RegExp namespace, `unwrap` of `EnvelopeClient`, `client.ws` on a connection without a WebSocket, `@Signal()` in a handler of HTTP requests, `@Once()` on a generator or beside `@Ack()`.',
    fix: 'Use what the message names instead.',
  },
  ERR_ENVELOPE_INVALID_PATH: {
    topic: 'start',
    class: 'Error',
    when: 'The path of a gateway has a query or a fragment, or its `:params` are malformed.',
    fix: 'Correct the path that the message names.',
  },
  ERR_ENVELOPE_PATH_CONFLICT: {
    topic: 'start',
    class: 'Error',
    when: 'Two gateways of one path set the same option to different values, or one path got two `EnvelopeTransport`s.',
    fix: 'Set the option in one of the gateways or on `EnvelopeAdapter`. Use one `EnvelopeTransport` per path.',
  },
  ERR_ENVELOPE_NO_APPLICATION: {
    topic: 'start',
    class: 'Error',
    when: '`EnvelopeAdapter` was created without the application, but the guards of the upgrade need it.',
    fix: 'Call `new EnvelopeAdapter(app)`, or set `upgradeGuards: false`.',
  },
  ERR_ENVELOPE_ALREADY_INITIALISED: {
    topic: 'start',
    class: 'Error',
    when: '`EnvelopeAdapter` or `EnvelopeExplorer.setup` was called after the application was initialised.',
    fix: 'Call it before `app.init()` and `app.listen()`.',
  },
  ERR_ENVELOPE_NOT_MOUNTED: {
    topic: 'start',
    class: 'Error',
    when: 'An `EnvelopeServer` was used before its gateway was mounted, or no gateway is mounted on its path.',
    fix: 'Use the server in `afterInit`, `onApplicationBootstrap` or later. For another path use `@InjectEnvelopeServer(path)`.',
  },
  ERR_ENVELOPE_ADAPTER_FAILED: {
    topic: 'start',
    class: 'Error',
    when: 'The factory of the option `adapter` threw. The original error is in `cause`.',
    fix: 'Check the connection and the options of the cluster adapter.',
  },
  ERR_ENVELOPE_RECOVERY_UNSUPPORTED: {
    topic: 'start',
    class: 'Error',
    when: 'The option `recovery` is set together with a cluster adapter that stores no messages.',
    fix: 'Use `@socket.io/redis-streams-adapter` or the adapter in memory, or remove `recovery`.',
  },
  ERR_ENVELOPE_MISSING_MODULE: {
    topic: 'start',
    class: 'Error',
    when: '`EnvelopeHealthIndicator` was injected without `EnvelopeModule` or `TerminusModule`.',
    fix: 'Import the module that the message names.',
  },
  ERR_ENVELOPE_MISSING_PEER: {
    topic: 'start',
    class: 'Error',
    when: 'A command or function needs an optional package that is not installed.',
    fix: 'Run the `npm install` of the message.',
  },
  ERR_ENVELOPE_NO_ADAPTER: {
    topic: 'start',
    class: 'Error',
    when: '`EnvelopeHealthIndicator` or `EnvelopeOperations` was called in an application that does not use `EnvelopeAdapter`.',
    fix: 'Call `app.useWebSocketAdapter(new EnvelopeAdapter(app))` before `app.listen()`.',
  },
  ERR_ENVELOPE_NOT_LISTENING: {
    topic: 'start',
    class: 'Error',
    when: '`EnvelopeTransport` was used before it listens.',
    fix: 'Call `await app.startAllMicroservices()` first.',
  },
  ERR_ENVELOPE_INVALID_CONTRACT: {
    topic: 'start',
    class: 'Error',
    when: '`createContract` or `writeContract` cannot describe the application: two DTOs or security schemes of one name differ, a security scheme is undescribed, a class name is no schema name, or a path is unknown in preview mode. Or `contractToTypes` and the commands `types` and `contract` got a document that is no contract of this package.',
    fix: 'The message names the classes and the decorator or option that resolves it.',
  },
  ERR_ENVELOPE_TIMEOUT: {
    topic: 'running',
    class: 'TimeoutError',
    when: '`emitWithAck`, a callback after `timeout()`, `serverSideEmitWithAck` or `fetchSockets` got no complete answer in time. Where several answers were expected, `responses` holds those that arrived.',
    fix: 'Try again, or allow more time with `timeout(milliseconds)`. The peer may have handled the request.',
  },
  ERR_ENVELOPE_DISCONNECTED: {
    topic: 'running',
    class: 'DisconnectedError',
    when: 'No connection is open, or it closed before the answer arrived; or `maxQueued` messages of a client were already queued; or a subscription was stopped before it was `ready`.',
    fix: 'Repeat the request after `connect` if it may be handled twice. The peer may have handled it.',
  },
  ERR_ENVELOPE_REQUEST_FAILED: {
    topic: 'running',
    class: 'RequestError',
    when: 'The peer answered a request with an `exception`. Its payload is in `data`; `data.code` is one of the codes of exceptions below, if the server itself refused the request.',
    fix: 'Handle it as the answer that it is.',
  },
  ERR_ENVELOPE_ABORTED: {
    topic: 'running',
    class: 'AbortError',
    when: 'The `reason` of the signal that `@Signal()` gives a handler: `cause` is `cancelled`, `disconnected` or `server shutting down`.',
    fix: 'Throw it or stop: it is neither logged nor sent.',
  },
  ERR_ENVELOPE_TOO_MANY_REQUESTS: {
    topic: 'running',
    class: 'Error',
    when: 'A client leaves 1,000 requests of the server unanswered. The server does not send further ones.',
    fix: 'Set a timeout: `client.timeout(5_000).emitWithAck(…)`.',
  },
  ERR_ENVELOPE_ROOM_LIMIT: {
    topic: 'running',
    class: 'RoomLimitError',
    when: 'A room name is malformed, too long, or belongs to the server, or a client is in `limits.maxRooms` rooms already. It is a `WsException`, so the client gets the exception `room_limit`.',
    fix: 'Check names that clients send, or raise `limits.maxRooms` or `limits.maxRoomNameLength`.',
  },
  ERR_ENVELOPE_NOT_CONNECTED: {
    topic: 'running',
    class: 'Error',
    when: '`client.ws`, `client.send` or `presence.track` was used in a guard, before the connection is open.',
    fix: 'Use it in `handleConnection` or later.',
  },
  ERR_ENVELOPE_NO_PROVIDER: {
    topic: 'running',
    class: 'Error',
    when: 'A React hook of this package was called in a component without an `EnvelopeProvider` above it.',
    fix: 'Render the component below the `EnvelopeProvider` of the same `createEnvelopeHooks()` call.',
  },
  ERR_ENVELOPE_NO_USER: {
    topic: 'running',
    class: 'Error',
    when: '`presence.track(client)` was called without a key for a client without a user.',
    fix: 'Pass a key, `track(client, key)`, or set `client.user` in a guard.',
  },
  ERR_ENVELOPE_OUTBOX: {
    topic: 'running',
    class: 'Error',
    when: 'An `indexedDbOutbox` could not be read or written: the browser has no IndexedDB, its storage is full, or something else uses the database. Given to `onOutboxError`, or logged. The messages are sent all the same.',
    fix: 'Tell the user that what is not sent yet does not survive a reload. The message says why, and `cause` has the error of the browser.',
  },
  ERR_ENVELOPE_CONNECT_TIMEOUT: {
    topic: 'running',
    class: 'Error',
    when: 'Middlewares or `handleConnection` did not settle within the option `connectTimeout`. Logged; the client is closed with 1011.',
    fix: 'Find what the hook waits for, or raise the option.',
  },
  ERR_ENVELOPE_NO_WEBSOCKET: {
    topic: 'running',
    class: 'Error',
    when: '`connect` was called on a platform without `WebSocket`.',
    fix: 'Pass a class: `connect(url, { WebSocket })`.',
  },
  ERR_ENVELOPE_STREAM_OVERFLOW: {
    topic: 'running',
    class: 'Error',
    when: '10,000 values of a `stream()`, or `maxBuffered` messages of `messages()`, wait to be read. No more of them come.',
    fix: 'Read faster, or end the loop.',
  },
  ERR_ENVELOPE_SUBSCRIPTION_LIMIT: {
    topic: 'running',
    class: 'Error',
    when: '`subscribe` was called while the client holds `maxSubscriptions` subscriptions.',
    fix: 'Call `stop()` of those that are no longer needed, or raise the option.',
  },
  ERR_ENVELOPE_UPGRADE_REFUSED: {
    topic: 'testing',
    class: 'UpgradeRefusedError',
    when: '`createTestClient`: the server refused the upgrade. `status`, `headers` and `body` hold its response.',
    fix: 'Expect it in the test, or pass what the guards ask for.',
  },
  ERR_ENVELOPE_NO_EVENT: {
    topic: 'testing',
    class: 'Error',
    when: '`TestClient.next`: the event did not arrive in time, or the connection closed. The message lists the events that arrived.',
    fix: 'Check the event name, or raise the option `timeout`.',
  },
  ERR_ENVELOPE_UNEXPECTED_EVENT: {
    topic: 'testing',
    class: 'Error',
    when: '`TestClient.expectNone`: an event arrived.',
    fix: 'The message shows the event.',
  },
  ERR_ENVELOPE_NOT_SETTLED: {
    topic: 'testing',
    class: 'Error',
    when: '`TestClient.settled`, `expectNone` or `createTestClient`: the server did not answer in time, or the connection closed.',
    fix: 'Find the handler, middleware or `handleConnection` that does not settle.',
  },
  ERR_ENVELOPE_NOT_CLOSED: {
    topic: 'testing',
    class: 'Error',
    when: '`TestClient.ended`: the server did not close the connection in time.',
    fix: 'Check what should close it, or raise the option `timeout`.',
  },
  ERR_ENVELOPE_NO_PORT: {
    topic: 'testing',
    class: 'Error',
    when: '`createTestClient`: the application does not listen on a TCP port.',
    fix: 'Listen on a port instead of a socket in the file system.',
  },
} as const satisfies Record<`ERR_ENVELOPE_${string}`, ErrorDescription>;

/** The stable `code` of an error of this package. `ConnectError` is the exception: its `code` is the close code, a number. */
export type EnvelopeErrorCode = keyof typeof ERROR_CODES;
