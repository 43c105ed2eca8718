import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import type { TestApp } from '../../support/app.js';
import { TestClient, type Connect, type ConnectOptions } from '../../support/client.js';
import { startFixture } from '../fixture.js';
import { addEventsToResponses } from './response-events.js';

/** The fields of a message. Other fields are a violation of PROTOCOL.md. */
export const FIELDS = ['event', 'data', 'id', 'ack', 'stream', 'more', 'meta', 'offset'];

/** Our own server has all that the checks need. */
const OWN_SERVER: Capabilities = { features: ['recovery'], maxPayload: 1_000_000 };

/** The server under test: the one at `PROTOCOL_URL`, or our own. */
export class Server {
  /** The capabilities of the server, known before the checks are declared, so that those it lacks are skipped. */
  readonly capabilities: Capabilities;
  private url = '';
  private close: (() => Promise<void>) | undefined;
  private readonly clients: TestClient[] = [];
  /** Whether clients connect by WebSockets: another transport has no frames to send by hand. */
  readonly isWebSocket: boolean;
  private connect: Connect | undefined;

  /**
   * Call this once in a spec.
   *
   * @param startProxy starts a proxy in front of our own server; receives the server's URL, and returns its own
   * @param connectTo opens clients of our own server by another transport
   */
  constructor(
    startProxy?: (url: string) => Promise<{ url: string; close(): Promise<void> }>,
    connectTo?: (app: TestApp) => Connect,
  ) {
    this.isWebSocket = connectTo === undefined;
    const externalUrl = connectTo === undefined ? process.env['PROTOCOL_URL']?.replace(/\/$/, '') : undefined;
    this.capabilities = externalUrl === undefined ? OWN_SERVER : fetchCapabilities(externalUrl);
    beforeAll(async () => {
      if (externalUrl !== undefined) return void (this.url = externalUrl);
      const app = await startFixture();
      this.connect = connectTo?.(app);
      const proxy = await startProxy?.(app.url('/protocol'));
      this.url = proxy?.url ?? app.url('/protocol');
      this.close = async () => {
        await proxy?.close();
        await app.close();
      };
    });
    afterEach(async () => {
      const left = this.clients.splice(0).filter(({ closed }) => closed === undefined);
      for (const client of left) client.ws.terminate();
      for (const client of left) await client.ended();
    });
    afterAll(() => this.close?.());
  }

  /** Returns the URL of the main path, or of one below it. */
  urlOf(path = ''): string {
    return `${this.url}${path}`;
  }

  /** Connects a client that does not use our library. It is terminated after the test. */
  async open(path = '', options?: ConnectOptions): Promise<TestClient> {
    const client = new TestClient(this.urlOf(path), options, this.connect);
    addEventsToResponses(client);
    this.clients.push(client);
    await client.opened();
    return client;
  }

  /** Connects a client with `envelope.v1`, and reads its `$session`. */
  async openV1(auth?: object, path = ''): Promise<{ client: TestClient; session: Session }> {
    const client = await this.open(path, { protocols: ['envelope.v1', ...(auth ? [authOf(auth)] : [])] });
    const { data } = await client.next('$session');
    return { client, session: data as Session };
  }

  /** Returns the status and the body of a refused upgrade. */
  async refused(path: string, options?: ConnectOptions): Promise<Refused> {
    const client = new TestClient(this.urlOf(path), options, this.connect);
    return new Promise((resolve, reject) => {
      client.ws.on('open', () => {
        client.ws.terminate();
        reject(new Error('the upgrade was not refused'));
      });
      client.ws.on('unexpected-response', (_request, response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk)));
        response.on('end', () => {
          client.ws.terminate();
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Refused['body'] });
        });
      });
    });
  }
}

export interface Refused {
  status: number;
  body: { statusCode?: unknown; message?: unknown };
}

/** The capabilities that decide which checks run. */
type Capabilities = Pick<Session, 'features' | 'maxPayload'>;

/** Jest needs its tests before anything asynchronous can happen, so a child process asks the server synchronously. */
function fetchCapabilities(url: string): Capabilities {
  const program = join(process.cwd(), 'test/conformance/server/ask-session.js');
  const { stdout, stderr } = spawnSync(process.execPath, [program, url], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  if (stdout === '')
    throw new Error(`${url} sent no $session to a client that offers envelope.v1: ${stderr}`);
  return JSON.parse(stdout) as Capabilities;
}

/** The data of `$session`. */
export interface Session {
  id: string;
  recovered: boolean;
  session?: string;
  pingInterval: number;
  maxPayload: number;
  features: string[];
  expiresAt?: number;
  expiresIn?: number;
}

/** Returns the subprotocol that carries credentials. */
export function authOf(auth: object): string {
  return `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`;
}

/** Returns all received messages except the responses to `$ping`, which tests use to wait. */
export function unsolicited(client: TestClient): object[] {
  return client.frames.filter(({ event }) => event !== '$ping');
}
