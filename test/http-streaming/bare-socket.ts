import { isUtf8 } from 'node:buffer';
import { EventEmitter } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { ClientOptions, WebSocket } from 'ws';
import { post } from './http-client.js';

/** A connection over HTTP, with the part of the interface of `ws` that the checks of bare clients use. */
export function connectOverHttp(
  url: string,
  protocols: readonly string[],
  options: ClientOptions,
): WebSocket {
  return new BareSocket(new URL(url), protocols, options) as unknown as WebSocket;
}

class BareSocket extends EventEmitter {
  readyState = 0;
  readonly extensions = '';
  readonly protocol: string;
  private key = '';
  private seq = 0;
  private waiting: string[] = [];
  private fragments: Buffer[] = [];
  private sending: Promise<void> | undefined;
  private response: IncomingMessage | undefined;
  private closed: [code: number, reason: string] = [1006, ''];
  private readonly headers: Record<string, string>;
  private have = 0;
  private readonly answersBeats: boolean;

  constructor(
    private readonly url: URL,
    private readonly offered: readonly string[],
    { headers = {}, autoPong = true }: ClientOptions,
  ) {
    super();
    this.answersBeats = autoPong;
    this.headers = headers as Record<string, string>;
    this.protocol = offered.includes('envelope.v1') ? 'envelope.v1' : '';
    this.open();
  }

  private open(): void {
    const auth = this.offered
      .find((name) => name.startsWith('envelope.auth.'))
      ?.slice('envelope.auth.'.length);
    const bearer = this.offered.indexOf('bearer');
    const token = bearer === -1 ? undefined : this.offered[bearer + 1];
    const body = auth === undefined ? '{}' : Buffer.from(auth, 'base64url').toString();
    const { port, hostname } = this.url;
    const headers = {
      'Content-Type': 'application/json',
      ...this.headers,
      ...(token && { Authorization: `Bearer ${token}` }),
    };
    const request = httpRequest({
      ...{ port, hostname, headers, method: 'POST', agent: false, path: this.target('open') },
    });
    if (token !== undefined) this.headers['Authorization'] = `Bearer ${token}`;
    request.on('error', (error) => this.emit('error', error));
    request.on('response', (response) => {
      if (response.statusCode === 200) this.read(response.setEncoding('utf8'));
      else if (this.listenerCount('unexpected-response') > 0)
        this.emit('unexpected-response', request, response);
      else this.emit('error', new Error(`Unexpected server response: ${response.statusCode}`));
    });
    request.end(body);
  }

  private read(response: IncomingMessage): void {
    this.response = response;
    let rest = '';
    response.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.take(line);
    });
    response.on('error', () => undefined);
    response.on('close', () => {
      this.readyState = 3;
      const [code, reason] = this.closed;
      this.emit('close', code, Buffer.from(reason));
    });
  }

  private take(line: string): void {
    const record = JSON.parse(line) as Record<string, unknown> | unknown[];
    if (!Array.isArray(record)) return this.takeMessage(record);
    const [name, ...rest] = record;
    if (name === 'line') {
      this.key = String(rest[0]);
      this.readyState = 1;
      this.emit('open');
      if (this.waiting.length > 0) void this.flush();
    } else if (name === 'beat') {
      this.emit('ping', Buffer.alloc(0));
      if (this.answersBeats) void this.request('send', '', { 'Envelope-Have': String(this.have) });
    } else if (name === 'close') {
      this.closed = rest as [number, string];
    }
  }

  private takeMessage({ offset, ...message }: Record<string, unknown>): void {
    this.have++;
    // what only clients of `envelope.v1` have asked for
    if (this.protocol === '' && message['event'] === '$session') return;
    const shown = this.protocol === '' || offset === undefined ? message : { ...message, offset };
    this.emit('message', Buffer.from(JSON.stringify(shown)));
  }

  send(data: Buffer | string, options: { fin?: boolean } | (() => void) = {}): void {
    this.fragments.push(Buffer.from(data));
    if (typeof options === 'object' && options.fin === false) return;
    // line feeds between the tokens of JSON are of no account
    this.waiting.push(
      Buffer.concat(this.fragments.splice(0)).toString('latin1').replaceAll('\n', ' ') || ' ',
    );
    if (this.readyState === 1) this.sending ??= this.flush();
  }
  ping(data: Buffer | string = ''): void {
    void this.request('send', '').then(() => this.emit('pong', Buffer.from(data)));
  }
  close(code?: number, reason = ''): void {
    if (this.readyState !== 1) return this.terminate();
    const body = JSON.stringify({ code, reason });
    void (this.sending ?? Promise.resolve()).then(() =>
      this.request('close', body, { 'Content-Type': 'application/json' }),
    );
  }
  terminate(): void {
    this.readyState = 3;
    if (this.response === undefined) this.emit('close', 1006, Buffer.alloc(0));
    else this.response.destroy();
  }

  private async flush(): Promise<void> {
    await Promise.resolve();
    while (this.waiting.length > 0 && this.readyState === 1) {
      const body = Buffer.from(this.nextBatch(), 'latin1');
      const type = { 'Content-Type': 'application/x-ndjson' };
      await this.request('send', body, { ...type, 'Envelope-Seq': String(++this.seq) });
    }
    this.sending = undefined;
  }

  /** Takes messages of up to half a megabyte, and at least one. One that is not UTF-8 would spoil the others. */
  private nextBatch(): string {
    let batch = this.waiting.shift()!;
    const isText = (text: string): boolean => isUtf8(Buffer.from(text, 'latin1'));
    if (!isText(batch)) return batch;
    while (
      this.waiting.length > 0 &&
      batch.length + this.waiting[0]!.length < 500_000 &&
      isText(this.waiting[0]!)
    )
      batch += `\n${this.waiting.shift()}`;
    return batch;
  }

  private async request(action: string, body: string | Buffer, headers: object = {}): Promise<void> {
    const all = { ...this.headers, ...headers, 'Envelope-Line': this.key };
    await post(Number(this.url.port), this.target(action), body, all).catch(() => undefined);
  }

  private target(action: string): string {
    const { pathname, search } = this.url;
    return `${pathname}${search === '' ? '?' : `${search}&`}envelope=${action}`;
  }
}
