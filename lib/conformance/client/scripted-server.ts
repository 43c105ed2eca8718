import type { AddressInfo } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import { equal } from '../compare.js';
import { OP, parseFrame } from '../raw-client.js';
import { FIELDS } from '../server/server.js';
import { AsyncQueue } from './async-queue.js';

export interface Frame {
  event?: string;
  data?: unknown;
  id?: string | number;
  ack?: string | number;
  stream?: boolean;
}

const isId = (id: unknown): boolean =>
  typeof id === 'string' ? id.length > 0 && id.length <= 64 : Number.isSafeInteger(id);

/** One connection of a client. Checks each of its messages against PROTOCOL.md. */
export class ClientConnection {
  readonly frames = new AsyncQueue<Frame>('a message of the client');
  readonly pongs = new AsyncQueue<string>('a pong');
  readonly closed = new AsyncQueue<{ code: number }>('the close of the connection');
  /** The violations of PROTOCOL.md by the client. */
  readonly violations: string[] = [];
  /** When `$session` was sent, by `performance.now()`. */
  greetedAt = 0;
  private readonly unanswered = new Set<string | number>();
  private readonly inFlight = new Set<string | number>();

  constructor(
    readonly ws: WebSocket,
    readonly request: IncomingMessage,
  ) {
    // in addition to `ws`, which reads nothing after a close frame
    this.watchForLateMessages();
    ws.on('message', (data: Buffer, isBinary) => this.receive(data, isBinary));
    ws.on('pong', (data) => this.pongs.add(String(data)));
    ws.on('error', (error) => this.violations.push(String(error)));
    ws.on('close', (code) => this.closed.add({ code }));
  }

  /** The subprotocols that the client offered. */
  get offered(): string[] {
    return (this.request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  }

  /** The object in `envelope.auth.…`, or `undefined`. */
  get auth(): Record<string, unknown> | undefined {
    const texts = this.offered
      .filter((name) => name.startsWith('envelope.auth.'))
      .map((name) => name.slice(14));
    if (texts.length === 0) return undefined;
    equal(texts.length, 1);
    equal(/^[\w-]+$/.test(texts[0]!), true);
    return JSON.parse(Buffer.from(texts[0]!, 'base64url').toString()) as Record<string, unknown>;
  }

  send(message: object | string): void {
    const frame = message as Frame & { more?: boolean };
    if (frame.ack !== undefined && frame.more !== true) this.inFlight.delete(frame.ack);
    if (frame.id !== undefined) this.unanswered.add(frame.id);
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Sends `$session`. A server without recovery sends no token. */
  sendSession(data: object = {}, offset?: string): void {
    const features = ['ack', 'stream', 'cancel', 'ping', ...('session' in data ? ['recovery'] : [])];
    const session = {
      id: 'socket',
      recovered: false,
      pingInterval: 25_000,
      maxPayload: 1_000_000,
      features,
      ...data,
    };
    this.greetedAt = performance.now();
    this.send({ event: '$session', data: session, ...(offset !== undefined && { offset }) });
  }

  /** Resolves with the next event with this name. */
  next(event: string): Promise<Frame> {
    return this.frames.take((frame) => frame.event === event && frame.ack === undefined);
  }

  answerTo(id: string | number): Promise<Frame> {
    return this.frames.take((frame) => frame.ack === id);
  }

  /** Resolves when all earlier messages of the client have arrived: messages keep their order. */
  async settled(): Promise<void> {
    this.unanswered.add('settled');
    this.send({ event: 'question', id: 'settled' });
    await this.answerTo('settled');
  }

  private watchForLateMessages(): void {
    let [bytes, isClosing]: [Buffer, boolean] = [Buffer.alloc(0), false];
    this.request.socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let frame = parseFrame(bytes); frame !== undefined; frame = parseFrame(bytes)) {
        bytes = bytes.subarray(frame.bytes.length);
        if (isClosing) this.violations.push(`a frame after the close frame, of opcode ${frame.opcode}`);
        isClosing ||= frame.opcode === OP.close;
      }
    });
  }

  private receive(data: Buffer, isBinary: boolean): void {
    const frame = JSON.parse(data.toString()) as Frame;
    const fail = (what: string): void =>
      void this.violations.push(`${what}: ${data.toString().slice(0, 200)}`);
    const { event, id, ack, stream } = frame;
    if (isBinary) fail('a binary message instead of a text');
    if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) return fail('not an object');
    for (const field of Object.keys(frame)) if (!FIELDS.includes(field)) fail(`a field "${field}"`);
    if (event === undefined ? ack === undefined : typeof event !== 'string' || event.length === 0)
      fail('no event');
    if (event?.startsWith('$') && !['$ping', '$auth', '$cancel'].includes(event)) fail('a reserved event');
    if (event === 'exception' && ack === undefined) fail('an exception without ack');
    if (stream !== undefined && (stream !== true || id === undefined)) fail('an invalid stream');
    if (ack !== undefined && !this.unanswered.delete(ack)) fail('a response without a request');
    if (id !== undefined && !isId(id)) fail('an invalid id');
    if (id !== undefined && this.inFlight.has(id)) fail('an id that is in flight');
    if (id !== undefined && ack === undefined) this.inFlight.add(id);
    this.frames.add(frame);
  }
}

/** A server that sends what a test tells it to, and checks what its clients send. */
export class ScriptedServer {
  readonly connections = new AsyncQueue<ClientConnection>('a connection');
  readonly all: ClientConnection[] = [];
  /** Refuses the next upgrade with this status. */
  refusal: { status: number; headers?: Record<string, string> } | undefined;
  /** Refuses all further upgrades with this status. */
  refuseAll: number | undefined;
  /** When each upgrade request arrived. */
  readonly attemptTimes: number[] = [];
  private server!: WebSocketServer;

  static async start(): Promise<ScriptedServer> {
    const scripted = new ScriptedServer();
    scripted.server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      handleProtocols: (offered) => (offered.has('envelope.v1') ? 'envelope.v1' : false),
      verifyClient: (_info, decide) => {
        const { refusal = scripted.refuseAll === undefined ? undefined : { status: scripted.refuseAll } } =
          scripted;
        scripted.attemptTimes.push(performance.now());
        scripted.refusal = undefined;
        if (refusal === undefined) decide(true);
        else decide(false, refusal.status, 'refused', refusal.headers);
      },
    });
    scripted.server.on('connection', (ws, request) => {
      const nextConnection = new ClientConnection(ws, request);
      scripted.all.push(nextConnection);
      scripted.connections.add(nextConnection);
    });
    await new Promise((resolve) => scripted.server.once('listening', resolve));
    return scripted;
  }

  /** The number of upgrade requests. */
  get attempts(): number {
    return this.attemptTimes.length;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}/path`;
  }

  /** Resolves with the next connection of a client. */
  connection(): Promise<ClientConnection> {
    return this.connections.take();
  }

  async stop(): Promise<void> {
    for (const client of this.server.clients) client.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
