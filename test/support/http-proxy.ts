import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a proxy does to responses. All proxies here remove `Upgrade`, as those that know no WebSockets do. */
export interface ProxyOptions {
  /** Passes a response on once it is complete. */
  buffers?: boolean;
  /** Cuts a response after that many bytes of its body. */
  maxBytes?: number;
  /** Cuts a response after that many milliseconds. */
  maxTime?: number;
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'upgrade', 'transfer-encoding'];

const running: HttpProxy[] = [];
afterEach(() => {
  for (const proxy of running.splice(0)) proxy.close();
});

/** An HTTP proxy in front of a local port, as careless networks have them. It is closed after the test. */
export class HttpProxy {
  /** The targets of the requests, in order. */
  readonly requests: string[] = [];
  /** The number of responses that were cut. */
  cuts = 0;
  private readonly server = createServer((request, response) => this.forward(request, response));

  private constructor(
    /** The port that requests are passed on to. */
    public target: number,
    private readonly options: ProxyOptions,
  ) {}

  static async start(target: number, options: ProxyOptions = {}): Promise<HttpProxy> {
    const proxy = new HttpProxy(target, options);
    running.push(proxy);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private forward(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url, headers } = incoming;
    this.requests.push(url!);
    const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
    const outgoing = httpRequest({
      host: '127.0.0.1',
      port: this.target,
      method,
      path: url,
      headers: kept,
      agent: false,
    });
    outgoing.on('error', () => response.destroy());
    outgoing.on('response', (answer) => this.answer(answer, response));
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  }

  private answer(answer: IncomingMessage, response: ServerResponse): void {
    const { buffers = false, maxBytes = Infinity, maxTime } = this.options;
    for (const [name, value] of Object.entries(answer.headers))
      if (!HOP_BY_HOP.includes(name)) response.setHeader(name, value!);
    response.statusCode = answer.statusCode!;
    if (!buffers) response.flushHeaders();
    const chunks: Buffer[] = [];
    let left = maxBytes;
    const cut = (): void => {
      this.cuts++;
      response.destroy();
    };
    const timer = maxTime === undefined ? undefined : setTimeout(cut, maxTime);
    answer.on('data', (chunk: Buffer) => {
      if (buffers) return void chunks.push(chunk);
      const passed = chunk.subarray(0, left);
      left -= passed.length;
      response.write(passed, () => left === 0 && !response.destroyed && cut());
    });
    answer.on('end', () => response.end(Buffer.concat(chunks)));
    answer.on('error', () => response.destroy());
    answer.on('close', () => clearTimeout(timer));
  }
}
