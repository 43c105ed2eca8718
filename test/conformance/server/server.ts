import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import type { TestApp } from '../../support/app.js';
import { TestClient, type Connect, type ConnectOptions } from '../../support/client.js';
import { startFixture } from '../fixture.js';
import { nameAnswers } from './name-answers.js';

/** What a message may have on the wire; fields that PROTOCOL.md does not name are a mistake. */
export const FIELDS = ['event', 'data', 'id', 'ack', 'stream', 'more', 'meta', 'offset'];

/** Our own server has all that a check needs. */
const OURS: Known = { features: ['recovery'], maxPayload: 1_000_000 };

/** Whoever is at the other end of a URL: `PROTOCOL_URL`, or our own server. */
export class Server {
  /** What the server has, known before the checks are: those of what it lacks are skipped. */
  readonly known: Known;
  private url = '';
  private close: (() => Promise<void>) | undefined;
  private readonly clients: TestClient[] = [];
  /** Whether clients connect by WebSockets: another transport has no frames to send by hand. */
  readonly isWebSocket: boolean;
  private connect: Connect | undefined;

  /**
   * Call this once in a spec.
   *
   * @param between starts a proxy between the checks and our own server: it gets the server's URL, and returns its own
   * @param connectTo opens clients of our own server by another transport
   */
  constructor(
    between?: (url: string) => Promise<{ url: string; close(): Promise<void> }>,
    connectTo?: (app: TestApp) => Connect,
  ) {
    this.isWebSocket = connectTo === undefined;
    const foreign = connectTo === undefined ? process.env['PROTOCOL_URL']?.replace(/\/$/, '') : undefined;
    this.known = foreign === undefined ? OURS : askWhatItHas(foreign);
    beforeAll(async () => {
      if (foreign !== undefined) return void (this.url = foreign);
      const app = await startFixture();
      this.connect = connectTo?.(app);
      const front = await between?.(app.url('/protocol'));
      this.url = front?.url ?? app.url('/protocol');
      this.close = async () => {
        await front?.close();
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

  /** Of the main path, or of one below it. */
  at(path = ''): string {
    return `${this.url}${path}`;
  }

  /** An open line, without any library of ours; it is cut after the test. */
  async open(path = '', options?: ConnectOptions): Promise<TestClient> {
    const client = new TestClient(this.at(path), options, this.connect);
    nameAnswers(client);
    this.clients.push(client);
    await client.opened();
    return client;
  }

  /** The same with `envelope.v1`; `$session` is taken. */
  async openV1(auth?: object, path = ''): Promise<{ client: TestClient; session: Session }> {
    const client = await this.open(path, { protocols: ['envelope.v1', ...(auth ? [authOf(auth)] : [])] });
    const { data } = await client.next('$session');
    return { client, session: data as Session };
  }

  /** The status and the body of an upgrade that is refused. */
  async refused(path: string, options?: ConnectOptions): Promise<Refused> {
    const client = new TestClient(this.at(path), options, this.connect);
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

/** What checks are chosen by. */
type Known = Pick<Session, 'features' | 'maxPayload'>;

/** Jest wants to know its tests before anything asynchronous can happen: a process asks, and this one waits for it. */
function askWhatItHas(url: string): Known {
  const program = join(process.cwd(), 'test/conformance/server/ask-session.js');
  const { stdout, stderr } = spawnSync(process.execPath, [program, url], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  if (stdout === '')
    throw new Error(`${url} gave no $session to a client that offers envelope.v1: ${stderr}`);
  return JSON.parse(stdout) as Known;
}

/** What `$session` says. */
export interface Session {
  id: string;
  recovered: boolean;
  session?: string;
  pingInterval: number;
  maxPayload: number;
  features: string[];
}

/** The subprotocol that carries credentials. */
export function authOf(auth: object): string {
  return `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`;
}

/** Messages that came beside answers to `$ping`, by which a test waits. */
export function unasked(client: TestClient): object[] {
  return client.frames.filter(({ event }) => event !== '$ping');
}
