import { WebSocket } from 'ws';
import type { Tick } from './listener.js';

const encode = (auth: object): string =>
  `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`;

/** Milliseconds within which a broker must find a session: after that the client gets a new one. */
const RESTORE_TIMEOUT = 1_500;

const all = new Set<RoamingClient>();
afterAll(() => all.forEach((client) => client.stop()));

/**
 * A client as PROTOCOL.md describes it, with nothing but a WebSocket. It stores its session and the last offset, and
 * reconnects to another node with them when its connection ends. It stops after the spec file.
 */
export class RoamingClient {
  /** The numbers of all messages that it received, by their sender; since its last restart, if it had one. */
  readonly numbers: Record<string, number[]> = {};
  /** Whether each reconnect recovered the session. */
  readonly recoveries: boolean[] = [];
  /** How often it began anew, because the machine was too busy to restore its session in time. */
  restarts = 0;
  /** How long the client was disconnected before each reconnect, in milliseconds. */
  readonly absences: number[] = [];
  /** The close codes of its connections. */
  readonly codes: number[] = [];
  private session: string | undefined;
  private offset: string | undefined;
  private disconnectedAt: number | undefined;
  private connectingSince = 0;
  private ws: WebSocket | undefined;
  private isStopped = false;

  constructor(
    /** Returns the port of the next node. */
    private readonly nextPort: () => number,
    /** Returns the delay before the next connection, in milliseconds. */
    private readonly nextDelay: () => number,
  ) {
    all.add(this);
    this.connect();
  }

  get isConnected(): boolean {
    return this.disconnectedAt === undefined && this.session !== undefined;
  }

  stop(): void {
    this.isStopped = true;
    this.ws?.terminate();
  }

  private connect(): void {
    const { session, offset } = this;
    this.connectingSince = Date.now();
    const protocols = ['envelope.v1', encode({ session, offset })];
    const ws = new WebSocket(`ws://127.0.0.1:${this.nextPort()}/ws`, protocols);
    this.ws = ws;
    ws.on('message', (data) => this.handleFrame(JSON.parse(String(data)) as Frame));
    ws.on('error', () => undefined);
    ws.on('close', (code) => {
      this.codes.push(code);
      this.disconnectedAt ??= Date.now();
      if (!this.isStopped) setTimeout(() => this.connect(), this.nextDelay());
    });
  }

  private restart(): void {
    this.restarts++;
    for (const name of Object.keys(this.numbers)) delete this.numbers[name];
  }

  private handleFrame({ event, data, offset }: Frame): void {
    if (offset !== undefined) this.offset = offset;
    if (event === 'tick') {
      const { from, n } = data as Tick;
      (this.numbers[from] ??= []).push(n);
    }
    if (event !== '$session') return;
    const { session, recovered } = data as { session: string; recovered: boolean };
    if (this.disconnectedAt !== undefined) {
      this.recoveries.push(recovered);
      if (!recovered && Date.now() - this.connectingSince >= RESTORE_TIMEOUT) this.restart();
      this.absences.push(Date.now() - this.disconnectedAt);
    }
    this.session = session;
    this.disconnectedAt = undefined;
  }
}

interface Frame {
  event?: string;
  data?: unknown;
  offset?: string;
}
