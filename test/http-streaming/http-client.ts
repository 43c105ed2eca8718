import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { until } from '../support/wait.js';

/** A message on the way down. */
export interface Down {
  event?: string;
  data?: never;
  id?: number;
  ack?: number;
  offset?: string;
}

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

type Headers = Record<string, string>;

export interface OpenOptions {
  auth?: object;
  headers?: Headers;
  accept?: string;
  path?: string;
}

const opened: HttpLine[] = [];

afterEach(() => {
  for (const line of opened.splice(0)) line.cut();
});

/** Sends one POST, and returns its answer. */
export async function post(
  port: number,
  target: string,
  body: string | Buffer = '',
  headers: Headers = {},
  method = 'POST',
): Promise<Answer> {
  const request = httpRequest({ port, host: '127.0.0.1', path: target, method, headers, agent: false });
  request.end(body);
  return read(await responseOf(request));
}

export async function read(response: IncomingMessage): Promise<Answer> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode!, headers: response.headers, text };
}

async function responseOf(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

/** A connection over HTTP, as a client that knows nothing but PROTOCOL.md has it. */
export class HttpLine {
  key = '';
  /** All records of the transport, in order. */
  readonly control: unknown[][] = [];
  readonly messages: Down[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  raw = '';
  isEnded = false;
  private taken = 0;
  private seq = 0;
  private response: IncomingMessage | undefined;

  private constructor(
    readonly port: number,
    private readonly options: OpenOptions,
  ) {
    opened.push(this);
  }

  /** Opens a connection, and waits for `$session`. @throws Error with the status of a refusal */
  static async open(port: number, options: OpenOptions = {}): Promise<HttpLine> {
    const line = await HttpLine.start(port, options);
    await line.next('$session');
    return line;
  }

  /** Opens a connection, and waits for its first record. */
  static async start(port: number, options: OpenOptions = {}): Promise<HttpLine> {
    const line = new HttpLine(port, options);
    await line.down('open', { 'Content-Type': 'application/json' }, JSON.stringify(options.auth ?? {}));
    return line;
  }

  get have(): number {
    return this.messages.length;
  }

  /** Asks for the next response. */
  async on(have = this.have): Promise<void> {
    this.response?.destroy();
    await this.down('on', { 'Envelope-Line': this.key, 'Envelope-Have': String(have) }, '');
  }

  private async down(action: string, headers: Headers, body: string): Promise<void> {
    const { path = '/ws', accept, headers: given } = this.options;
    const request = httpRequest({
      port: this.port,
      host: '127.0.0.1',
      path: this.target(action, path),
      method: 'POST',
      headers: { ...headers, ...(accept && { Accept: accept }), ...given },
      agent: false,
    });
    request.end(body);
    const response = await responseOf(request);
    if (response.statusCode !== 200) {
      const { status, text } = await read(response);
      throw new Error(`${status} ${text}`);
    }
    this.isEnded = false;
    this.response = response.setEncoding('utf8');
    this.headers.push(response.headers);
    this.readFrom(response);
    const before = this.control.length;
    await until('the first record', () => this.control.length > before);
    this.key = String(this.control[before]![1]);
  }

  private readFrom(response: IncomingMessage): void {
    let rest = '';
    response.on('error', () => undefined);
    response.on('close', () => {
      if (this.response === response) this.isEnded = true;
    });
    response.on('data', (text: string) => {
      this.raw += text;
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) if (line !== '') this.take(line.replace(/^data: /, ''));
    });
  }

  private take(record: string): void {
    const value = JSON.parse(record) as Down | unknown[];
    if (Array.isArray(value)) this.control.push(value);
    else this.messages.push(value);
  }

  /** Returns the next message that was not taken yet, with this event or this `ack`. */
  async next(what: string | number): Promise<Down> {
    const find = (): number =>
      this.messages.findIndex(
        ({ event, ack }, index) => index >= this.taken && (event === what || ack === what),
      );
    await until(`the message ${what}`, () => find() !== -1);
    const index = find();
    this.taken = index + 1;
    return this.messages[index]!;
  }

  async closed(): Promise<unknown[]> {
    await until('the record close', () => this.control.at(-1)?.[0] === 'close');
    await until('the end of the response', () => this.isEnded);
    return this.control.at(-1)!;
  }

  /** Sends messages in one POST with the next number. */
  send(...messages: object[]): Promise<Answer> {
    return this.post(++this.seq, messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
  }

  /** Sends a body with a number. */
  post(seq: number | string | undefined, body: string | Buffer, headers: Headers = {}): Promise<Answer> {
    if (typeof seq === 'number') this.seq = Math.max(seq, this.seq);
    return this.request('send', body, {
      'Content-Type': 'application/x-ndjson',
      ...(seq !== undefined && { 'Envelope-Seq': String(seq) }),
      ...headers,
    });
  }

  /** Sends a request of this connection. */
  request(action: string, body: string | Buffer, headers: Headers = {}): Promise<Answer> {
    const { path = '/ws', headers: given } = this.options;
    return post(this.port, this.target(action, path), body, {
      'Envelope-Line': this.key,
      ...given,
      ...headers,
    });
  }

  close(body: object = {}): Promise<Answer> {
    return this.request('close', JSON.stringify(body), { 'Content-Type': 'application/json' });
  }

  /** Cuts the response without a word. */
  cut(): void {
    this.response?.destroy();
  }

  private target(action: string, path: string): string {
    if (path.includes('envelope=')) return path;
    return `${path}${path.includes('?') ? '&' : '?'}envelope=${action}`;
  }
}
