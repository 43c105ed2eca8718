import { BareClient, type Connect, type ConnectOptions } from '../bare-client.js';
import { ConformanceError } from '../suite.js';
import { addEventsToResponses } from './response-events.js';

/** The fields of a message. Other fields are a violation of PROTOCOL.md. */
export const FIELDS = ['event', 'data', 'id', 'ack', 'stream', 'more', 'meta', 'offset'];

/** The server under test. */
export class Server {
  private readonly clients: BareClient[] = [];

  /**
   * @param base the URL of the main path, without a slash at the end
   * @param capabilities decide which checks are skipped
   * @param connect opens clients by another transport than WebSockets
   */
  constructor(
    private readonly base: () => string,
    readonly capabilities: Capabilities,
    private readonly connect?: Connect,
  ) {}

  /** Whether clients connect by WebSockets: another transport has no frames to send by hand. */
  get isWebSocket(): boolean {
    return this.connect === undefined;
  }

  /** Terminates the clients of a check. */
  async release(): Promise<void> {
    const left = this.clients.splice(0).filter(({ closed }) => closed === undefined);
    for (const client of left) client.ws.terminate();
    for (const client of left) await client.ended();
  }

  /** Returns the URL of the main path, or of one below it. */
  urlOf(path = ''): string {
    return `${this.base()}${path}`;
  }

  /** Connects a client that does not use our library. It is terminated after the test. */
  async open(path = '', options?: ConnectOptions): Promise<BareClient> {
    const client = new BareClient(this.urlOf(path), options, this.connect);
    addEventsToResponses(client);
    this.clients.push(client);
    await client.opened();
    return client;
  }

  /** Connects a client with `envelope.v1`, and reads its `$session`. */
  async openV1(auth?: object, path = ''): Promise<{ client: BareClient; session: Session }> {
    const client = await this.open(path, { protocols: ['envelope.v1', ...(auth ? [authOf(auth)] : [])] });
    const { data } = await client.next('$session');
    return { client, session: data as Session };
  }

  /** Returns the status and the body of a refused upgrade. */
  async refused(path: string, options?: ConnectOptions): Promise<Refused> {
    const client = new BareClient(this.urlOf(path), options, this.connect);
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

/**
 * Asks a server for its capabilities.
 *
 * @throws (rejects) ConformanceError if it sends no `$session`
 */
export async function fetchCapabilities(url: string): Promise<Capabilities> {
  const client = new BareClient(url, { protocols: ['envelope.v1'] });
  try {
    await client.opened();
    const { features, maxPayload } = (await client.next('$session')).data as Session;
    return { features: features ?? [], maxPayload: maxPayload ?? 0 };
  } catch (error) {
    throw new ConformanceError(
      `${url} sent no $session to a client that offers envelope.v1: ${(error as Error).message}`,
    );
  } finally {
    client.ws.terminate();
  }
}

/** The data of `$session`. */
export interface Session {
  id: string;
  recovered: boolean;
  session?: string;
  pingInterval: number;
  maxPayload: number;
  /** Absent from servers of earlier versions. */
  maxJsonDepth: number;
  features: string[];
  expiresAt?: number;
  expiresIn?: number;
}

/** Returns the subprotocol that carries credentials. */
export function authOf(auth: object): string {
  return `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`;
}

/** Returns all received messages except the responses to `$ping`, which tests use to wait. */
export function unsolicited(client: BareClient): object[] {
  return client.frames.filter(({ event }) => event !== '$ping');
}
