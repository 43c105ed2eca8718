import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { Waiter } from '../support/client.js';
import { LONGEST_WAIT } from '../support/longest-wait.js';

/** How a client connects: `upgraded` is the default of Socket.IO, polling first and then a WebSocket. */
export type TransportName = 'websocket' | 'polling' | 'upgraded';

export const TRANSPORTS: readonly TransportName[] = ['websocket', 'polling', 'upgraded'];

export interface IoClientOptions extends Partial<Omit<ManagerOptions & SocketOptions, 'transports'>> {
  /** Default `websocket`. */
  transport?: TransportName;
}

/** `any` under a name that the linter allows: tests look into payloads freely. */
export type Any = ReturnType<typeof JSON.parse>;

/** A refusal: the error of the event `connect_error`. */
export type ConnectError = Error & { data?: Any; description?: Any; context?: Any };

/** A client of `socket.io-client` in one namespace, which keeps all received events. */
export class IoClient {
  /** The event and the arguments of all received events, in order. */
  readonly events: [string, ...Any[]][] = [];
  /** The reason of the last disconnect; `undefined` before. */
  reason: string | undefined;
  /** The last refusal. */
  error: ConnectError | undefined;
  readonly socket: Socket;
  private readonly taken = new Set<unknown>();
  private readonly waiter = new Waiter(LONGEST_WAIT);
  private readonly isUpgraded: boolean;

  constructor(target: string | Socket, { transport = 'websocket', ...options }: IoClientOptions = {}) {
    this.isUpgraded = transport === 'upgraded';
    this.socket =
      typeof target === 'string'
        ? io(target, {
            forceNew: true,
            reconnection: false,
            ...(transport === 'upgraded' ? {} : { transports: [transport] }),
            ...options,
          })
        : target;
    this.socket.onAny((event: string, ...args: Any[]) => {
      this.events.push([event, ...args]);
      this.waiter.notify();
    });
    this.socket.on('connect', () => this.waiter.notify());
    this.socket.on('connect_error', (error) => {
      this.error = error;
      this.waiter.notify();
    });
    this.socket.on('disconnect', (reason) => {
      this.reason = reason;
      this.waiter.notify();
    });
    this.socket.io.on('open', () => this.socket.io.engine.on('upgrade', () => this.waiter.notify()));
  }

  /** The client of another namespace on the same connection, which begins to connect at once. */
  join(namespace: string, options?: Partial<SocketOptions>): IoClient {
    const socket = this.socket.io.socket(namespace, options);
    const client = new IoClient(socket);
    // a second request to connect would end the first one in Socket.IO
    if (!socket.active) socket.connect();
    return client;
  }

  /** `polling` or `websocket`; `undefined` before the handshake. */
  get transport(): string | undefined {
    return this.socket.io.engine?.transport?.name;
  }

  /** Resolves when the namespace is joined, over the final transport. Rejects when the server refuses. */
  async connected(): Promise<void> {
    await this.waiter.until('connect', () => this.socket.connected || this.error);
    if (this.error !== undefined && !this.socket.connected) throw this.error;
    if (this.isUpgraded) await this.until('upgrade', () => this.transport === 'websocket');
  }

  /** Resolves with the refusal. */
  refused(): Promise<ConnectError> {
    return this.waiter.until('connect_error', () => this.error);
  }

  /** Resolves with the reason of the disconnect. */
  ended(): Promise<string> {
    return this.waiter.until('disconnect', () => this.reason);
  }

  emit(event: string, ...args: unknown[]): void {
    this.socket.emit(event, ...args);
  }

  /** Sends a request. Resolves with all values of its answer. */
  ask(event: string, ...args: unknown[]): Promise<Any[]> {
    return new Promise((resolve, reject) => {
      this.socket.timeout(LONGEST_WAIT).emit(event, ...args, (error: Error | null, ...values: Any[]) => {
        if (error) reject(new Error(`no answer to "${event}"`, { cause: error }));
        else resolve(values);
      });
    });
  }

  /** Resolves with the arguments of the next event of this name that no earlier call has returned. */
  async next(event: string): Promise<Any[]> {
    const [, ...args] = await this.waiter.until(`"${event}"`, () => {
      const found = this.events.find((received) => !this.taken.has(received) && received[0] === event);
      if (found !== undefined) this.taken.add(found);
      return found;
    });
    return args;
  }

  /** Returns the arguments of all received events of this name. */
  of(event: string): Any[][] {
    return this.events.filter(([name]) => name === event).map(([, ...args]) => args);
  }

  /** Resolves when the condition holds. Checks it at each event. */
  until(what: string, condition: () => boolean): Promise<unknown> {
    return this.waiter.until(what, () => condition() || undefined);
  }

  /**
   * Resolves when the server has handled all earlier messages: it handles the messages of one client in order. The
   * second round trip is for handlers, which answer some promise jobs after their call.
   */
  async settled(): Promise<void> {
    await this.ask('settle');
    await this.ask('settle');
  }

  /** Leaves the namespace. */
  leave(): void {
    this.socket.disconnect();
  }

  /** Ends the connection with all its namespaces. */
  destroy(): void {
    this.socket.io.reconnection(false);
    this.socket.disconnect();
    this.socket.io.engine?.close();
  }
}
