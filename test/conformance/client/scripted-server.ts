import type { AddressInfo } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import { OP, parseFrame } from '../../support/raw-client.js';
import { FIELDS } from '../server/server.js';
import { Awaited } from './queue.js';

export interface Frame {
  event?: string;
  data?: unknown;
  id?: string | number;
  ack?: string | number;
  stream?: boolean;
}

const isId = (id: unknown): boolean =>
  typeof id === 'string' ? id.length > 0 && id.length <= 64 : Number.isSafeInteger(id);

/** One line of a client, and the law that it has to keep. */
export class Visit {
  readonly frames = new Awaited<Frame>('a message of the client');
  readonly pongs = new Awaited<string>('a pong');
  readonly closed = new Awaited<{ code: number }>('the end of the line');
  /** What the client did that PROTOCOL.md does not let it. */
  readonly violations: string[] = [];
  private readonly asked = new Set<string | number>();
  private readonly open = new Set<string | number>();

  constructor(
    readonly ws: WebSocket,
    readonly request: IncomingMessage,
  ) {
    // beside `ws`, which reads nothing behind a close frame
    this.watchForLateMessages();
    ws.on('message', (data: Buffer, isBinary) => this.take(data, isBinary));
    ws.on('pong', (data) => this.pongs.add(String(data)));
    ws.on('error', (error) => this.violations.push(String(error)));
    ws.on('close', (code) => this.closed.add({ code }));
  }

  /** The subprotocols that the client offered. */
  get offered(): string[] {
    return (this.request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  }

  /** The object in `envelope.auth.…`, if there is one. */
  get auth(): Record<string, unknown> | undefined {
    const texts = this.offered
      .filter((name) => name.startsWith('envelope.auth.'))
      .map((name) => name.slice(14));
    if (texts.length === 0) return undefined;
    expect(texts).toEqual([expect.stringMatching(/^[\w-]+$/)]);
    return JSON.parse(Buffer.from(texts[0]!, 'base64url').toString()) as Record<string, unknown>;
  }

  send(message: object | string): void {
    const frame = message as Frame & { more?: boolean };
    if (frame.ack !== undefined && frame.more !== true) this.open.delete(frame.ack);
    if (frame.id !== undefined) this.asked.add(frame.id);
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Says `$session`; a server without recovery has no token. */
  hello(data: object = {}, offset?: string): void {
    const features = ['ack', 'stream', 'cancel', 'ping', ...('session' in data ? ['recovery'] : [])];
    const session = {
      id: 'socket',
      recovered: false,
      pingInterval: 25_000,
      maxPayload: 1_000_000,
      features,
      ...data,
    };
    this.send({ event: '$session', data: session, ...(offset !== undefined && { offset }) });
  }

  /** The next event of that name. */
  next(event: string): Promise<Frame> {
    return this.frames.take((frame) => frame.event === event && frame.ack === undefined);
  }

  answerTo(id: string | number): Promise<Frame> {
    return this.frames.take((frame) => frame.ack === id);
  }

  /** All that the client sent before has come: messages keep their order. */
  async settled(): Promise<void> {
    this.asked.add('settled');
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

  private take(data: Buffer, isBinary: boolean): void {
    const frame = JSON.parse(data.toString()) as Frame;
    const fail = (what: string): void =>
      void this.violations.push(`${what}: ${data.toString().slice(0, 200)}`);
    const { event, id, ack, stream } = frame;
    if (isBinary) fail('a binary message, where a text would do');
    if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) return fail('no object');
    for (const field of Object.keys(frame)) if (!FIELDS.includes(field)) fail(`a field "${field}"`);
    if (event === undefined ? ack === undefined : typeof event !== 'string' || event.length === 0)
      fail('no event');
    if (event?.startsWith('$') && !['$ping', '$auth', '$cancel'].includes(event)) fail('a reserved event');
    if (event === 'exception' && ack === undefined) fail('an exception that answers nothing');
    if (stream !== undefined && (stream !== true || id === undefined)) fail('a stream of nothing');
    if (ack !== undefined && !this.asked.delete(ack)) fail('an answer that nobody waits for');
    if (id !== undefined && !isId(id)) fail('an id that is none');
    if (id !== undefined && this.open.has(id)) fail('an id that is in flight');
    if (id !== undefined && ack === undefined) this.open.add(id);
    this.frames.add(frame);
  }
}

/** A server that says what a test has it say, and looks at what its clients send. */
export class ScriptedServer {
  readonly visits = new Awaited<Visit>('a visit');
  readonly all: Visit[] = [];
  /** Answers the next upgrade with this status. */
  refusal: { status: number; headers?: Record<string, string> } | undefined;
  /** Answers every upgrade with this status, from now on. */
  refusesAll: number | undefined;
  /** How many upgrades were asked for. */
  attempts = 0;
  private server!: WebSocketServer;

  static async start(): Promise<ScriptedServer> {
    const scripted = new ScriptedServer();
    scripted.server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      handleProtocols: (offered) => (offered.has('envelope.v1') ? 'envelope.v1' : false),
      verifyClient: (_info, decide) => {
        const { refusal = scripted.refusesAll === undefined ? undefined : { status: scripted.refusesAll } } =
          scripted;
        scripted.attempts++;
        scripted.refusal = undefined;
        if (refusal === undefined) decide(true);
        else decide(false, refusal.status, 'refused', refusal.headers);
      },
    });
    scripted.server.on('connection', (ws, request) => {
      const visit = new Visit(ws, request);
      scripted.all.push(visit);
      scripted.visits.add(visit);
    });
    await new Promise((resolve) => scripted.server.once('listening', resolve));
    return scripted;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}/path`;
  }

  /** The next line that a client opens. */
  visit(): Promise<Visit> {
    return this.visits.take();
  }

  async stop(): Promise<void> {
    for (const client of this.server.clients) client.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
