import { request, type ClientRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { OP, RawClient } from '../support/raw-client.js';
import { LONGEST_WAIT } from '../support/longest-wait.js';

/** What a server answered over HTTP. */
export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A request that the test may leave open. */
export interface OpenRequest {
  request: ClientRequest;
  /** Rejects when the connection closes before the answer is complete. */
  answer: Promise<HttpAnswer>;
}

export interface RequestOptions {
  method?: string;
  /** More of the query, or other values: `undefined` removes one. */
  query?: Record<string, string | undefined>;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
  /** Leaves the body open: the test writes the rest. */
  isOpen?: boolean;
}

/** Between the packets of one HTTP body. */
export const SEPARATOR = '\x1e';
const PATH = '/socket.io/';

const requests = new Set<ClientRequest>();

afterEach(() => {
  for (const open of requests) open.destroy();
  requests.clear();
});

/** Sends one request to the entrance of Socket.IO, on a TCP connection of its own. */
export function send(
  port: number,
  { query, headers, body, method, isOpen }: RequestOptions = {},
): OpenRequest {
  const fields = { EIO: '4', transport: 'polling', ...query };
  const search = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${value}`,
  );
  const sent = request({
    host: '127.0.0.1',
    port,
    path: `${PATH}?${search.join('&')}`,
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...(body !== undefined && { 'Content-Type': 'text/plain;charset=UTF-8' }), ...headers },
    agent: false,
  });
  requests.add(sent);
  const answer = new Promise<HttpAnswer>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: text }),
      );
      response.on('error', reject);
    });
    sent.on('close', () => {
      requests.delete(sent);
      reject(new Error('the connection closed before the answer was complete'));
    });
  });
  // a test may not wait for it
  answer.catch(() => undefined);
  if (isOpen) sent.write(body ?? '');
  else sent.end(body);
  return { request: sent, answer };
}

/** Resolves with the answer to one request. */
export function ask(port: number, options?: RequestOptions): Promise<HttpAnswer> {
  const { answer } = send(port, options);
  const late = new Error(`no answer within ${LONGEST_WAIT} ms to ${JSON.stringify(options)}`);
  let timer: NodeJS.Timeout;
  const timeout = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(late), LONGEST_WAIT)));
  return Promise.race([answer, timeout]).finally(() => clearTimeout(timer));
}

/** The session that a server opens. */
export interface Handshake {
  sid: string;
  upgrades: string[];
  pingInterval: number;
  pingTimeout: number;
  maxPayload: number;
}

/** A client over HTTP long polling: the test controls each request. */
export class PollingClient {
  private readonly packets: string[] = [];

  private constructor(
    readonly port: number,
    readonly handshake: Handshake,
    private readonly headers: OutgoingHttpHeaders,
  ) {}

  static async open(port: number, headers: OutgoingHttpHeaders = {}): Promise<PollingClient> {
    const { status, body } = await ask(port, { headers });
    if (status !== 200) throw new Error(`no session: ${status} ${body}`);
    return new PollingClient(port, JSON.parse(body.slice(1)) as Handshake, headers);
  }

  get sid(): string {
    return this.handshake.sid;
  }

  /** Begins a request of this session. */
  begin({ query, headers, ...options }: RequestOptions = {}): OpenRequest {
    return send(this.port, {
      query: { sid: this.sid, ...query },
      headers: { ...this.headers, ...headers },
      ...options,
    });
  }

  /** Resolves with the answer to one request of this session. */
  ask({ query, headers, ...options }: RequestOptions = {}): Promise<HttpAnswer> {
    return ask(this.port, {
      query: { sid: this.sid, ...query },
      headers: { ...this.headers, ...headers },
      ...options,
    });
  }

  /** Posts packets. */
  post(...packets: string[]): Promise<HttpAnswer> {
    return this.ask({ body: packets.join(SEPARATOR) });
  }

  /** Resolves with the next packet of Socket.IO, and answers pings. Rejects when the session has ended. */
  async next(): Promise<string> {
    for (;;) {
      const packet = this.packets.shift();
      if (packet === undefined) {
        const { status, body } = await this.ask();
        if (status !== 200) throw new Error(`the session has ended: ${status} ${body}`);
        this.packets.push(...body.split(SEPARATOR));
      } else if (packet === '2') {
        await this.post('3');
      } else if (packet !== '6') {
        return packet;
      }
    }
  }

  /** Joins a namespace. Resolves with the answer. */
  async join(namespace = '/', auth = ''): Promise<string> {
    await this.post(`40${place(namespace)}${auth}`);
    return this.next();
  }

  /** Ends the session, if it still exists. */
  async leave(): Promise<void> {
    await this.post('1').catch(() => undefined);
  }

  /** Whether the server has forgotten the session. Asks in a way that leaves no poll open. */
  async isGone(): Promise<boolean> {
    const { body } = await this.ask({ query: { transport: 'websocket' } });
    return body.includes('Session ID unknown');
  }
}

/** What a packet of a namespace has before its id. */
export function place(namespace: string): string {
  return namespace === '/' ? '' : `${namespace},`;
}

/** A client over a WebSocket: the test controls each frame. */
export class SocketClient {
  private constructor(
    readonly raw: RawClient,
    readonly handshake: Handshake,
  ) {}

  static async open(port: number, headers: Record<string, string> = {}): Promise<SocketClient> {
    const raw = await RawClient.connect(port, `${PATH}?EIO=4&transport=websocket`, headers);
    const open = await raw.message();
    return new SocketClient(raw, JSON.parse(open.slice(1)) as Handshake);
  }

  /** Sends packets, each in a frame of its own: texts, and attachments as binary frames. */
  send(...packets: (string | Buffer)[]): void {
    this.raw.send(
      ...packets.map((payload) => ({
        opcode: typeof payload === 'string' ? OP.text : OP.binary,
        payload,
      })),
    );
  }

  /** Resolves with the next packet, and answers pings. `undefined`: the connection has ended. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const frame = await this.raw.frameOrEnd();
      if (frame === undefined || frame.opcode === OP.close) return undefined;
      const packet = frame.payload.toString();
      if (packet === '2') this.send('3');
      else if (packet !== '6') return packet;
    }
  }

  /** Resolves with all packets until the server ends the connection. */
  async rest(): Promise<string[]> {
    const packets: string[] = [];
    for (let packet = await this.next(); packet !== undefined; packet = await this.next())
      packets.push(packet);
    this.raw.tcp.destroy();
    return packets;
  }

  async leave(): Promise<void> {
    this.raw.tcp.destroy();
    await this.raw.ended();
  }

  async join(namespace = '/', auth = ''): Promise<string | undefined> {
    this.send(`40${place(namespace)}${auth}`);
    return this.next();
  }
}
