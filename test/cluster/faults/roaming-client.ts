import { WebSocket } from 'ws';
import type { Tick } from './listener.js';

const encode = (auth: object): string =>
  `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`;

const all = new Set<Traveller>();
afterAll(() => all.forEach((traveller) => traveller.stop()));

/**
 * A client as PROTOCOL.md has it, with nothing but a WebSocket: it keeps its session and the offset of whatever came
 * last, and when its line ends it goes to another node with them. It is ended after the spec file.
 */
export class Traveller {
  /** Numbers of the messages that came, on whichever line, by who sent them. */
  readonly numbers: Record<string, number[]> = {};
  /** Whether it got its session back, for each time that it came back. */
  readonly comebacks: boolean[] = [];
  /** Milliseconds that it was away, for each time. */
  readonly absences: number[] = [];
  /** Codes that its lines ended with. */
  readonly codes: number[] = [];
  private session: string | undefined;
  private offset: string | undefined;
  private left: number | undefined;
  private ws: WebSocket | undefined;
  private isStopped = false;

  constructor(
    /** Where to go next. */
    private readonly nextPort: () => number,
    /** Milliseconds until it does. */
    private readonly nextDelay: () => number,
  ) {
    all.add(this);
    this.go();
  }

  get isConnected(): boolean {
    return this.left === undefined && this.session !== undefined;
  }

  stop(): void {
    this.isStopped = true;
    this.ws?.terminate();
  }

  private go(): void {
    const { session, offset } = this;
    const protocols = ['envelope.v1', encode({ session, offset })];
    const ws = new WebSocket(`ws://127.0.0.1:${this.nextPort()}/ws`, protocols);
    this.ws = ws;
    ws.on('message', (data) => this.take(JSON.parse(String(data)) as Frame));
    ws.on('error', () => undefined);
    ws.on('close', (code) => {
      this.codes.push(code);
      this.left ??= Date.now();
      if (!this.isStopped) setTimeout(() => this.go(), this.nextDelay());
    });
  }

  private take({ event, data, offset }: Frame): void {
    if (offset !== undefined) this.offset = offset;
    if (event === 'tick') {
      const { from, n } = data as Tick;
      (this.numbers[from] ??= []).push(n);
    }
    if (event !== '$session') return;
    const { session, recovered } = data as { session: string; recovered: boolean };
    if (this.left !== undefined) {
      this.comebacks.push(recovered);
      this.absences.push(Date.now() - this.left);
    }
    this.session = session;
    this.left = undefined;
  }
}

interface Frame {
  event?: string;
  data?: unknown;
  offset?: string;
}
