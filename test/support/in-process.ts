import { EventEmitter } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { isUtf8 } from 'node:buffer';
import type { ClientOptions, WebSocket } from 'ws';
import type { ConnectionLimits } from '../../lib/server/transport/connection-limits.js';
import type {
  Connection,
  ConnectionOwner,
  ConnectionWatcher,
  Holder,
  RawData,
} from '../../lib/server/transport/connection.js';
import { describeEnd } from '../../lib/server/transport/disconnect-reason.js';
import { ENVELOPE, type Encoded } from '../../lib/server/transport/encoding.js';
import { Frame, type Outgoing } from '../../lib/server/transport/frame.js';
import { MessageRate } from '../../lib/server/transport/message-rate.js';
import { Outbox, type OutboxTransport } from '../../lib/server/transport/outbox.js';
import {
  CLOSED,
  CLOSING,
  CONNECTING,
  OPEN,
  type ReadyState,
} from '../../lib/server/transport/ready-state.js';
import { pathOf } from '../../lib/server/upgrade/path-pattern.js';
import type { ConnectionRequest, ConnectionTerms } from '../../lib/server/upgrade/connection-request.js';
import type { EndpointRegistry } from '../../lib/server/upgrade/endpoint-registry.js';
import type { HttpRefusal } from '../../lib/server/upgrade/http-refusal.js';
import type { TestApp } from './app.js';
import { InProcessClient } from './in-process-client.js';

/**
 * Connects to a gateway without a network: the second implementation of the seam between a connection and a socket.
 *
 * @returns the client's end, with the part of the interface of `ws` that the tests of bare clients use
 */
export function connectInProcess(
  app: TestApp,
  url: string,
  protocols: readonly string[],
  { headers = {}, autoPong = true }: ClientOptions = {},
): WebSocket {
  const { pathname: requested, search } = new URL(url);
  const pathname = pathOf(requested)!;
  const client = new InProcessClient(protocols.length > 0, autoPong);
  const { endpoints } = (app.adapter as unknown as { mounted: { endpoints: EndpointRegistry } }).mounted;
  const found = endpoints.find(0, pathname);
  const request = httpRequest(pathname + search, {
    host: `127.0.0.1:${app.port}`,
    ...(protocols.length > 0 && { 'sec-websocket-protocol': protocols.join(', ') }),
    ...(headers as Record<string, string>),
  });
  const attempt = new InProcessRequest(request, client, protocols);
  setImmediate(() => {
    if (found === undefined)
      attempt.refuse({
        status: 404,
        body: { statusCode: 404, message: 'No gateway is mounted on this path' },
      });
    else found.endpoint.connect(attempt, pathname, found.params);
  });
  return client as unknown as WebSocket;
}

function httpRequest(url: string, headers: Record<string, string>): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  const names = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.assign(request, {
    method: 'GET',
    url,
    httpVersion: '1.1',
    headers: Object.fromEntries(names) as Record<string, string>,
    rawHeaders: names.flat(),
  });
}

class InProcessRequest implements ConnectionRequest {
  private made: InProcessConnection | undefined;
  private readonly closed = new EventEmitter();
  isClosed = false;

  constructor(
    readonly httpRequest: IncomingMessage,
    private readonly client: InProcessClient,
    private readonly offered: readonly string[],
  ) {
    client.abandon = () => {
      this.isClosed = true;
      this.closed.emit('closed');
    };
  }

  onClosed(callback: () => void): () => void {
    this.closed.on('closed', callback);
    return () => this.closed.off('closed', callback);
  }

  check(done: (refused: HttpRefusal | undefined) => void): void {
    done(undefined);
  }

  connection({ limits }: ConnectionTerms): InProcessConnection {
    return (this.made ??= new InProcessConnection(this.client, limits));
  }

  accept(terms: ConnectionTerms, opened: (connection: Connection) => void): void {
    const connection = this.connection(terms);
    const selected = this.offered.length > 0 && terms.selectProtocol(new Set(this.offered), this.httpRequest);
    connection.open(selected || '', terms.watcher);
    opened(connection);
  }

  refuse({ status, body }: HttpRefusal): void {
    this.client.refused(status, body);
  }

  destroy(): void {
    this.client.refused(0, undefined);
  }
}

const NOTHING = Buffer.alloc(0);

/** The server's end. Each message arrives in a separate turn, in order. */
class InProcessConnection implements Connection, OutboxTransport {
  readonly transportName = 'in-process';
  readonly encoding = ENVELOPE;
  readonly isCarried = false;
  readonly transportId = undefined;
  readonly outbox: Outbox;
  readonly extensions = '';
  readonly webSocket = undefined;
  readonly takesFrames = false;
  readonly unwrittenBytes = 0;
  readonly needsDrain = false;
  readonly isBusy = false;
  protocol = '';
  pingedAt = 0;
  readyState: ReadyState = CONNECTING;
  private readonly rate: MessageRate;
  private readonly holders = new Set<Holder>();
  /** What arrived while the connection was held. */
  private readonly unread: (() => void)[] = [];
  private owner: ConnectionOwner | undefined;
  private watcher: ConnectionWatcher | undefined;
  private isEnded = false;

  constructor(
    private readonly client: InProcessClient,
    private readonly limits: ConnectionLimits,
  ) {
    this.outbox = new Outbox(this, limits.maxBufferedBytes);
    this.rate = new MessageRate(limits);
  }

  open(protocol: string, watcher: ConnectionWatcher): void {
    this.protocol = protocol;
    this.watcher = watcher;
    this.readyState = OPEN;
    this.client.opened(this, protocol);
  }

  setOwner(owner: ConnectionOwner): void {
    this.owner = owner;
  }
  refuse(message: Encoded): void {
    this.outbox.pushEncoded(message);
  }
  startWriting(): void {
    if (this.readyState === OPEN) this.outbox.start();
  }
  get isOpen(): boolean {
    return this.readyState === OPEN;
  }
  get isPaused(): boolean {
    return this.holders.size > 0;
  }

  write(items: readonly Outgoing[]): number {
    for (const item of items) this.client.receive((item instanceof Frame ? item.payload : item) as string);
    return 0;
  }
  sendRaw(data: RawData): void {
    this.outbox.push(typeof data === 'string' ? data : new Frame(Buffer.from(data as Uint8Array)));
  }
  ping(data: unknown = NOTHING): void {
    this.outbox.flush();
    this.client.pinged(data as Buffer);
  }
  pong(): void {}
  probe(): number {
    this.pingedAt = performance.now();
    this.ping();
    return this.pingedAt;
  }
  sendHeartbeat(now: number): void {
    if (this.pingedAt === 0) this.pingedAt = now;
    this.ping();
  }
  readAtHeartbeat(): boolean {
    return this.owner!.onPausedHeartbeat();
  }

  hold(holder: Holder): void {
    this.holders.add(holder);
  }
  release(holder: Holder): void {
    this.holders.delete(holder);
    this.read();
  }
  readToEnd(): void {
    this.holders.clear();
    this.read();
  }
  private read(): void {
    while (!this.isPaused && this.unread.length > 0) this.unread.shift()!();
  }
  drained(): Promise<void> {
    return Promise.resolve();
  }
  watchDrain(): void {}
  refundMessage(): void {
    this.rate.refund();
  }
  takeRefusal(): boolean {
    if (this.rate.takeRefusal()) return true;
    this.owner!.onFlood();
    return false;
  }

  close(code: number | undefined, reason: string): void {
    this.startWriting();
    this.outbox.flush();
    this.end(code ?? 1005, reason);
  }
  closeTransport(): void {}
  watchTransport(): void {}
  terminate(): void {
    this.end(1006, '');
  }
  timeOut(): void {
    this.owner!.onLost('ping timeout', { code: 1006, reason: '', wasClean: false, initiator: 'network' });
    this.terminate();
  }
  private end(code: number, reason: string): void {
    this.isEnded = true;
    if (this.readyState !== 1) return;
    this.readyState = CLOSING;
    this.client.ended(code, reason);
    setImmediate(() => this.ended(code, reason));
  }
  async whenClosed(): Promise<void> {
    while (this.readyState === CLOSING) await new Promise(setImmediate);
  }

  onOverflow(): void {
    this.owner!.onOverflow();
  }
  shouldSend(offset: string | undefined, isOwn: boolean): boolean {
    return this.owner!.shouldSend(offset, isOwn);
  }

  // what the client does

  received(data: Buffer | string, isBinary: boolean): void {
    this.unread.push(() => this.takeMessage(data, isBinary));
    this.read();
  }
  private takeMessage(data: Buffer | string, isBinary: boolean): void {
    this.pingedAt = 0;
    if (this.isEnded) return;
    if (Buffer.byteLength(data) > this.limits.maxPayload) return this.fail(1009);
    if (!isBinary && typeof data !== 'string' && !isUtf8(data)) return this.fail(1007);
    if (this.rate.take()) this.owner!.onMessage(data, isBinary);
    else this.owner!.onExcessMessage(data, isBinary);
  }
  private fail(code: number): void {
    this.owner!.onLost('parse error', { code, reason: '', wasClean: false, initiator: 'server' });
    this.end(code, '');
  }
  pinged(data: Buffer): void {
    if (this.isEnded || !this.rate.take()) return;
    this.pingedAt = 0;
    this.outbox.flush();
    this.client.ponged(data);
    this.owner!.onPing(data);
  }
  ponged(data: Buffer): void {
    this.pingedAt = 0;
    if (!this.isEnded) this.owner!.onPong(data);
  }
  ended(code: number, reason: string): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.isEnded = true;
    this.owner!.onLost(...describeEnd(code, reason, undefined));
    this.owner!.onClose(code, Buffer.from(reason));
    this.watcher?.connectionClosed(this);
  }
}
