import type { INestApplication } from '@nestjs/common';
import { ClientSocket, type Handler } from '../client/client-socket.js';
import { ConnectError } from '../client/errors.js';
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
import { urlOf } from './address.js';
import { checkTestClient } from './check-options.js';
import { describeEvent, Inbox, type ReceivedEvent } from './inbox.js';
import { TestWebSocket, type ClosedLine } from './test-web-socket.js';

/** Options of {@link createTestClient}. */
export interface TestClientOptions<Listen extends EventsMap = DefaultEventsMap> {
  /** The gateway's, with query if it needs one: `/chat?room=red`. Default: `/`. */
  path?: string;
  /** What guards see as `handshake.auth`: a token, or any object; as `auth` of `nestjs-envelope/client`. */
  auth?: ClientOptions['auth'];
  /** Headers of the upgrade: `cookie`, `origin`, `authorization`. */
  headers?: Readonly<Record<string, string>>;
  /** Milliseconds that opening, each wait and each request take at most. Default: 5,000. */
  timeout?: number;
  /** Listeners from the first message on: `handleConnection` may ask at once. What they return answers. */
  on?: { readonly [Event in EventNames<Listen>]?: Handler<Listen, Event> };
  /** Of a gateway that has a port of its own. Default: the application's. */
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

/** What an event brings: its argument, or the list of them where it has several. */
export type EventData<Listen extends EventsMap, Event extends string> =
  Event extends EventNames<Listen> ? Payload<EventParams<Listen, Event>> : Untyped;

const PATIENCE = 5_000;
/** Milliseconds for the server's part of a goodbye. */
const GOODBYE = 1_000;

/**
 * The client of `nestjs-envelope/client` (`emit`, `emitWithAck`, `on`, `stream`, …) that keeps what comes, so that a test can
 * ask for it. It does not reconnect.
 *
 * @typeParam Listen what the server emits
 * @typeParam Emit what this client emits
 */
export class TestClient<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
> extends ClientSocket<Listen, Emit> {
  /** How the line ended, once it has. */
  closed: ClosedLine | undefined;
  private readonly inbox: Inbox;
  private wire: TestWebSocket | undefined;
  private readonly patience: number;

  /** @internal */
  constructor(url: string, options: TestClientOptions<Listen> = {}) {
    const {
      auth,
      headers,
      on = {},
      timeout: patience = PATIENCE,
    } = Object(options) as TestClientOptions<Listen>;
    const hold = (wire: TestWebSocket): void => void (this.wire = wire);
    // whoever tests over TLS has a certificate of its own making
    const upgrade = { headers: { ...headers }, rejectUnauthorized: false };
    class HeldWire extends TestWebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols, upgrade);
        hold(this);
      }
    }
    const settings: ClientOptions = {
      auth,
      autoConnect: false,
      reconnection: false,
      connectTimeout: patience,
      ackTimeout: patience,
      pingInterval: 0,
      WebSocket: HeldWire satisfies SocketConstructor,
    };
    super(toWebSocketUrl(url, 'TestClient'), withDefaults(settings, undefined, 'TestClient'));
    this.patience = patience;
    this.inbox = new Inbox(patience);
    this.onAny((event, data) => this.inbox.add(event, data));
    for (const [event, listener] of Object.entries(on)) this.on(event, listener as never);
  }

  /** All events that have come so far, in order. */
  get received(): readonly ReceivedEvent[] {
    return this.inbox.received;
  }

  /**
   * The data of the next event of that name that no `next` has given out yet; waits for it. `exception` is an event, too,
   * unless it answers a request.
   *
   * @throws (rejects) Error when time is up or the line closed: it lists what came instead; TypeError without an event
   */
  async next<Event extends EventNames<Listen> | 'exception'>(
    event: Event,
  ): Promise<EventData<Listen, Event>> {
    if (typeof event !== 'string') refuse('TestClient.next', 'event', event, 'the name of an event');
    return (await this.inbox.take(event)).data as EventData<Listen, Event>;
  }

  /**
   * Fails where an event of that name, or any, came that no `next` has given out. It does not wait a while: a round trip goes
   * behind, and all that the server sent to this client before has come then. What another client causes has to be
   * done before: `await ada.emitWithAck(…)`, or `await ada.settled()`.
   *
   * @throws (rejects) Error which says what came
   */
  async expectNone(event?: EventNames<Listen> | 'exception'): Promise<void> {
    const error = new Error();
    await this.settled();
    const came = this.inbox.open(event);
    if (came === undefined) return;
    error.message = `${describeEvent(came)} came, where ${event === undefined ? 'nothing' : `no "${event}"`} should`;
    throw error;
  }

  /**
   * Resolves when the server has taken all that this client sent before, and what it sent then has come. Handlers that wait for
   * something else may still be at work: ask those, with `emitWithAck`.
   *
   * @throws (rejects) Error where the line is closed, or the server does not answer in time
   */
  async settled(): Promise<void> {
    const error = new Error();
    const why = await this.roundTrips();
    if (why === undefined) return;
    error.message = `the server did not answer a $ping: ${why}`;
    throw error;
  }

  /**
   * How the server ended the line; waits for that.
   *
   * @throws (rejects) Error when time is up
   */
  async ended(): Promise<ClosedLine> {
    const error = new Error(`the server did not close the line within ${this.patience} ms`);
    return (await this.endWithin(this.patience)) ?? Promise.reject(error);
  }

  /** Says goodbye; resolves once the connection is gone. */
  async close(): Promise<void> {
    this.disconnect();
    if ((await this.endWithin(GOODBYE)) !== undefined) return;
    this.wire?.terminate();
    await this.wire?.ended();
  }

  /** Lets the line go without a word, as a network does that fails; resolves once this side knows. */
  async cut(): Promise<void> {
    this.wire?.terminate();
    await this.wire?.ended();
  }

  /** @internal */
  async _ready(): Promise<void> {
    const why = await this.roundTrips();
    if (why === undefined) return;
    const { closed } = this;
    await this.close();
    const exception = this.inbox.open('exception');
    const cause = exception && new RequestError(exception.data);
    if (closed !== undefined) throw new ConnectError(closed, false, cause);
    throw new Error(`middlewares and handleConnection were not through: ${why}`);
  }

  /** @internal */
  _opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.once('connect', (() => {
        void this.wire!.ended().then((closed) => {
          this.closed = closed;
          this.inbox.close(closed);
        });
        resolve();
      }) as never);
      this.once('connect_error', ((error: Error) => {
        const failure = this.wire?.failure;
        if (failure !== undefined && error.cause === undefined) error.cause = failure;
        reject(failure?.name === 'UpgradeRefusedError' ? failure : error);
      }) as never);
      this.connect();
    });
  }

  /** @returns why there was no answer, if there was none */
  private async roundTrips(): Promise<string | undefined> {
    const { wire } = this;
    if (wire === undefined || !this.connected) return 'the line is closed';
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, this.patience, `${this.patience} ms are over`);
    });
    const cut = wire.ended().then(({ code }) => `the line closed with ${code}`);
    // the second one is for handlers, which answer some promise jobs after they were called
    const answered = wire.ping().then(() => wire.ping());
    const why = await Promise.race([answered, cut, late]);
    clearTimeout(timer);
    return why ?? undefined;
  }

  private async endWithin(time: number): Promise<ClosedLine | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), time)));
    const end = await Promise.race([this.wire?.ended(), late]);
    clearTimeout(timer);
    return end;
  }
}

/**
 * Connects a client to an application, for end-to-end tests in Jest, Vitest or any other:
 *
 * ```ts
 * const ada = await createTestClient<ServerToClient, ClientToServer>(app, '/chat');
 * ada.emit('say', 'hello');
 * expect(await ada.next('said')).toBe('hello');
 * await ada.expectNone('exception');
 * await app.close(); // closes it, too
 * ```
 *
 * An application that does not listen yet is made to, on a free port of 127.0.0.1. Resolves when middlewares and
 * `handleConnection` are through.
 *
 * @param pathOrOptions the gateway's path, or {@link TestClientOptions}
 * @throws (rejects) TypeError that names the parameter or option that is missing, unknown or malformed; `UpgradeRefusedError`, with the status, where the server does not let this client in; `ConnectError` where a
 * middleware or `handleConnection` refused it, with its exception as `cause`, or there is no connection
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
