import type { INestApplication } from '@nestjs/common';
import { ClientSocket } from '../client/client-socket.js';
import type { Handler } from '../client/client-types.js';
import { ConnectError } from '../client/connect-error.js';
import { toWebSocketUrl } from '../client/connect.js';
import { withDefaults, type ClientOptions } from '../client/options.js';
import type { SocketConstructor } from '../client/web-socket.js';
import { refuse } from '../protocol/refuse.js';
import { RequestError } from '../protocol/request-error.js';
import type {
  DefaultEventsMap,
  EventNames,
  EventParams,
  EventsMap,
  Untyped,
} from '../protocol/typed-events.js';
import { withCode } from '../protocol/with-code.js';
import { urlOf } from './address.js';
import { checkTestClient } from './check-options.js';
import { describeEvent, Inbox, type ReceivedEvent } from './inbox.js';
import { TestWebSocket, type ClosedLine } from './test-web-socket.js';

/** Options of {@link createTestClient}. */
export interface TestClientOptions<Listen extends EventsMap = DefaultEventsMap> {
  /** The gateway's path, with a query if needed: `/chat?room=red`. Default: `/`. */
  path?: string;
  /** Credentials, which guards read from `handshake.auth`: a token or any object, like `auth` of `nestjs-envelope/client`. */
  auth?: ClientOptions['auth'];
  /** Headers of the upgrade request, such as `cookie`, `origin` or `authorization`. */
  headers?: Readonly<Record<string, string>>;
  /** Timeout of opening, of each wait and of each request, in milliseconds. Default: 5,000. */
  timeout?: number;
  /** Listeners that are added before the connection opens, since `handleConnection` may send requests. What they return answers. */
  on?: { readonly [Event in EventNames<Listen>]?: Handler<Listen, Event> };
  /** The gateway's port. Default: the application's port. */
  port?: number;
}

type Payload<Args extends unknown[]> = number extends Args['length']
  ? Untyped
  : Args extends []
    ? undefined
    : Args extends [...infer Start, (...answer: Untyped[]) => unknown]
      ? Payload<Start>
      : Args extends [infer Only]
        ? Only
        : Args;

/** The data of an event: its argument, or the list of its arguments if it has several. */
export type EventData<Listen extends EventsMap, Event extends string> =
  Event extends EventNames<Listen> ? Payload<EventParams<Listen, Event>> : Untyped;

const DEFAULT_TIMEOUT = 5_000;
/** Milliseconds to wait for the server's close frame. */
const CLOSE_TIMEOUT = 1_000;

/**
 * The client of `nestjs-envelope/client` (`emit`, `emitWithAck`, `on`, `stream`, …) that also records the events it receives, so
 * that a test can await them. It does not reconnect, and accepts any TLS certificate. Create one with {@link createTestClient}.
 *
 * @typeParam Listen what the server emits
 * @typeParam Emit what this client emits
 * @example
 * const ada = await createTestClient(app, '/ws');
 * ada.emit('message', 'hi');
 * expect(await bob.next('said')).toEqual({ from: ada.id, text: 'hi' });
 */
export class TestClient<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
> extends ClientSocket<Listen, Emit> {
  /** How the connection ended. `undefined` while it is open. */
  closed: ClosedLine | undefined;
  private readonly inbox: Inbox;
  private webSocket: TestWebSocket | undefined;
  private readonly timeLimit: number;

  /** @internal */
  constructor(url: string, options: TestClientOptions<Listen> = {}) {
    const {
      auth,
      headers,
      on = {},
      timeout: timeLimit = DEFAULT_TIMEOUT,
    } = Object(options) as TestClientOptions<Listen>;
    const keep = (webSocket: TestWebSocket): void => void (this.webSocket = webSocket);
    // tests over TLS use a self-signed certificate
    const upgrade = { headers: { ...headers }, rejectUnauthorized: false };
    class KeptWebSocket extends TestWebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols, upgrade);
        keep(this);
      }
    }
    const settings: ClientOptions = {
      auth,
      autoConnect: false,
      reconnection: false,
      connectTimeout: timeLimit,
      ackTimeout: timeLimit,
      pingInterval: 0,
      WebSocket: KeptWebSocket satisfies SocketConstructor,
    };
    super(toWebSocketUrl(url, 'TestClient'), withDefaults(settings, undefined, 'TestClient'));
    this.timeLimit = timeLimit;
    this.inbox = new Inbox(timeLimit);
    this.onAny((event, data) => this.inbox.add(event, data));
    for (const [event, listener] of Object.entries(on)) this.on(event, listener as never);
  }

  /**
   * All events that have arrived so far, in order.
   *
   * @example expect(ada.received).toEqual([{ event: 'said', data: 'hello' }]);
   */
  get received(): readonly ReceivedEvent[] {
    return this.inbox.received;
  }

  /**
   * Returns the data of the first event of that name that no earlier `next` has returned, and waits for it. An `exception` that does
   * not answer a request counts as an event.
   *
   * @example
   * expect(await ada.next('said')).toBe('hello');
   *
   * @throws (rejects) Error, which lists the other events, after `timeout` or when the connection closes; TypeError if `event` is
   * not a string
   */
  async next<Event extends EventNames<Listen> | 'exception'>(
    event: Event,
  ): Promise<EventData<Listen, Event>> {
    if (typeof event !== 'string') refuse('TestClient.next', 'event', event, 'the name of an event');
    return (await this.inbox.take(event)).data as EventData<Listen, Event>;
  }

  /**
   * Rejects if an event of that name, or of any name, arrived that no `next` has returned. It makes a round trip first, after which
   * everything that the server sent to this client before has arrived; it does not wait longer. If another client causes
   * the event, await that client first: `await ada.emitWithAck(…)` or `await ada.settled()`.
   *
   * @throws (rejects) Error with the event that arrived; Error if the round trip fails
   * @example await ada.expectNone('said');
   */
  async expectNone(event?: EventNames<Listen> | 'exception'): Promise<void> {
    const error = withCode('ERR_ENVELOPE_UNEXPECTED_EVENT', new Error());
    await this.settled();
    const found = this.inbox.firstOpen(event);
    if (found === undefined) return;
    error.message = `${describeEvent(found)} arrived, but the test expects no ${event === undefined ? 'event' : `"${event}"`}`;
    throw error;
  }

  /**
   * Resolves when the server has received everything that this client sent before, and everything that the server sent by then has
   * arrived. A handler that awaits something else may still be running: call that one with `emitWithAck`.
   *
   * @throws (rejects) Error if the connection is closed, or the server does not answer within `timeout`
   * @example
   * ada.emit('say', 'hello');
   * await ada.settled(); // now its handler has run
   */
  async settled(): Promise<void> {
    const error = withCode('ERR_ENVELOPE_NOT_SETTLED', new Error());
    const problem = await this.roundTrips();
    if (problem === undefined) return;
    error.message = `the server did not answer a $ping: ${problem}`;
    throw error;
  }

  /**
   * Waits until the connection ends, and returns its close code and reason.
   *
   * @throws (rejects) Error if the connection is still open after `timeout`
   * @example expect(await ada.ended()).toMatchObject({ code: 1008 });
   */
  async ended(): Promise<ClosedLine> {
    const error = withCode(
      'ERR_ENVELOPE_NOT_CLOSED',
      new Error(`the server did not close the connection within ${this.timeLimit} ms`),
    );
    return (await this.endWithin(this.timeLimit)) ?? Promise.reject(error);
  }

  /**
   * Closes the connection and ends the session. Resolves when the connection has closed, at the latest after a second.
   *
   * @example
   * await ada.close();
   */
  async close(): Promise<void> {
    this.disconnect();
    if ((await this.endWithin(CLOSE_TIMEOUT)) !== undefined) return;
    this.webSocket?.terminate();
    await this.webSocket?.ended();
  }

  /**
   * Drops the TCP connection without a close frame, as a failing network does. Resolves when this client has noticed.
   *
   * @example
   * await ada.cut(); // handleDisconnect runs with "transport close"
   */
  async cut(): Promise<void> {
    this.webSocket?.terminate();
    await this.webSocket?.ended();
  }

  /** @internal */
  async _ready(): Promise<void> {
    const problem = await this.roundTrips();
    if (problem === undefined) return;
    const { closed } = this;
    await this.close();
    const exception = this.inbox.firstOpen('exception');
    const cause = exception && new RequestError(exception.data);
    if (closed !== undefined) throw new ConnectError(closed, false, cause);
    throw withCode(
      'ERR_ENVELOPE_NOT_SETTLED',
      new Error(
        `The connection was not ready in time (middlewares or handleConnection still running): ${problem}`,
      ),
    );
  }

  /** @internal */
  _opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.once('connect', (() => {
        void this.webSocket!.ended().then((closed) => {
          this.closed = closed;
          this.inbox.close(closed);
        });
        resolve();
      }) as never);
      this.once('connect_error', ((error: Error) => {
        const failure = this.webSocket?.failure;
        if (failure !== undefined && error.cause === undefined) error.cause = failure;
        reject(failure?.name === 'UpgradeRefusedError' ? failure : error);
      }) as never);
      this.connect();
    });
  }

  /**
   * Makes two round trips.
   *
   * @returns what went wrong; `undefined` if the server answered
   */
  private async roundTrips(): Promise<string | undefined> {
    const { webSocket } = this;
    if (webSocket === undefined || !this.connected) return 'the connection is closed';
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, this.timeLimit, `timeout of ${this.timeLimit} ms`);
    });
    const ended = webSocket.ended().then(({ code }) => `the connection closed with ${code}`);
    // the second round trip covers handlers, which answer a few promise jobs after they were called
    const answered = webSocket.ping().then(() => webSocket.ping());
    const problem = await Promise.race([answered, ended, late]);
    clearTimeout(timer);
    return problem ?? undefined;
  }

  private async endWithin(time: number): Promise<ClosedLine | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), time)));
    const end = await Promise.race([this.webSocket?.ended(), late]);
    clearTimeout(timer);
    return end;
  }
}

/**
 * Connects a test client to an application, for end-to-end tests in Jest, Vitest or any other runner.
 *
 * If the application does not listen yet, it is started on a free port of 127.0.0.1. Resolves when the middlewares and
 * `handleConnection` have finished.
 *
 * @example
 * ```ts
 * const ada = await createTestClient<ServerToClient, ClientToServer>(app, '/chat');
 * ada.emit('say', 'hello');
 * expect(await ada.next('said')).toBe('hello');
 * await ada.expectNone('exception');
 * await app.close(); // closes the client, too
 * ```
 *
 * @param pathOrOptions the gateway's path, or {@link TestClientOptions}
 * @throws (rejects) TypeError that names a missing, unknown or malformed parameter or option; `UpgradeRefusedError`, with the HTTP
 * status, if the server refuses the upgrade; `ConnectError` if a middleware or `handleConnection` refuses the client, with
 * the exception as `cause`, or if the server cannot be reached; Error if `handleConnection` does not finish within `timeout`
 */
export async function createTestClient<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
>(
  app: INestApplication,
  pathOrOptions: string | TestClientOptions<Listen> = {},
): Promise<TestClient<Listen, Emit>> {
  checkTestClient(app, pathOrOptions);
  const options = typeof pathOrOptions === 'string' ? { path: pathOrOptions } : pathOrOptions;
  const { path = '/', port } = options;
  const client = new TestClient<Listen, Emit>(await urlOf(app, path, port), options);
  await client._opened();
  await client._ready();
  return client;
}
