import type { IncomingMessage } from 'node:http';
import type { Untyped } from '../../protocol/typed-events.js';
import { UserEvents } from '../util/user-events.js';
import type { DisconnectReason } from '../transport/disconnect-reason.js';
import { isFirstCall } from '../util/first-call.js';

type Listener = (...args: Untyped[]) => void;

/** What an engine needs of its server. */
interface EngineHost {
  readonly sockets: { readonly size: number };
  /** @internal */
  readonly _config: { readonly services: { debug(text: string): void } };
}

/** What an engine socket needs of its client. */
interface EngineClient {
  readonly id: string;
  readonly ip: string;
  readonly request: IncomingMessage;
  readonly readyState: 0 | 1 | 2 | 3;
  readonly nsp: EngineHost & { readonly engine: Engine };
  /** @internal */
  readonly _connection: {
    readonly transportName: string;
    readonly isCarried: boolean;
    readonly transportId: string | undefined;
    readonly outbox: { readonly writable: boolean };
    watchTransport(listener: () => void): void;
  };
  /** @internal */
  readonly _lifecycle: { readonly reason: DisconnectReason | undefined };
  on(event: 'close' | 'drain' | 'error' | 'pong', listener: Listener): unknown;
  disconnect(): unknown;
  /** @internal */
  _report(error: unknown, where: string): void;
}

/**
 * Socket.IO's `server.engine`, with the number of clients. It emits no events: a listener is ignored, with a line in the log at
 * level debug, once for each event.
 */
export class Engine {
  /** Engine.IO's options, always `undefined`. */
  declare readonly opts?: Record<string, Untyped>;

  constructor(private readonly host: EngineHost) {}

  /** How many clients are connected to this path. */
  get clientsCount(): number {
    return this.host.sockets.size;
  }

  /** Does nothing: refused upgrades are on the diagnostics channel `envelope:upgrade.refuse`. */
  on(event: string, _listener: Listener): this {
    reportIgnored(this.host, `server.engine.on('${event}')`);
    return this;
  }
  /** Does nothing. See {@link on}. */
  once(event: string, listener: Listener): this {
    return this.on(event, listener);
  }
  /** Does nothing. See {@link on}. */
  addListener(event: string, listener: Listener): this {
    return this.on(event, listener);
  }
  /** Does nothing: no listener is kept. */
  off(_event: string, _listener: Listener): this {
    return this;
  }
  /** Does nothing: no listener is kept. */
  removeListener(_event: string, _listener: Listener): this {
    return this;
  }
  /** Does nothing: no listener is kept. */
  removeAllListeners(_event?: string): this {
    return this;
  }
}

const READY_STATES = ['opening', 'open', 'closing', 'closed'] as const;

/**
 * Socket.IO's `client.conn`: the connection of one client. It emits `close` with the reason, `drain`, `error`, `upgrade` when a
 * Socket.IO client changes its transport, and `heartbeat` when a pong arrives. Listeners to other events of Engine.IO are
 * ignored, with a line in the log at level debug, once for each event.
 */
export class EngineSocket extends UserEvents {
  readonly protocol = 4;
  readonly upgraded = true;
  readonly upgrading = false;
  private readonly forwarded = new Set<string>();

  constructor(private readonly client: EngineClient) {
    super((error, event) => client._report(error, `a listener of client.conn's "${event}" threw`));
  }

  /** The transport: `websocket` or `polling`, and whether it takes a message now. */
  get transport(): { readonly name: string; readonly writable: boolean } {
    const { transportName, outbox } = this.client._connection;
    return { name: transportName, writable: outbox.writable };
  }
  /** The id of a Socket.IO client's connection, the same in all its namespaces; else the client's id. */
  get id(): string {
    return this.client._connection.transportId ?? this.client.id;
  }
  /** The client's address, as `handshake.address`. */
  get remoteAddress(): string {
    return this.client.ip;
  }
  /** The upgrade request. */
  get request(): IncomingMessage {
    return this.client.request;
  }
  /** The state of the connection in Engine.IO's words. */
  get readyState(): (typeof READY_STATES)[number] {
    return READY_STATES[this.client.readyState];
  }
  /** The engine of the client's server. */
  get server(): Engine {
    return this.client.nsp.engine;
  }

  /** Ends the connection, as `client.disconnect()` does. */
  close(_discard?: boolean): void {
    this.client.disconnect();
  }

  /** Listens to `close`, `drain`, `error`, `upgrade` or `heartbeat`. */
  override on(event: string, listener: Listener): this {
    this.forward(event);
    return super.on(event, listener);
  }
  /** Listens as {@link on}, for one time. */
  override once(event: string, listener: Listener): this {
    this.forward(event);
    return super.once(event, listener);
  }
  /** The same as {@link on}. */
  override addListener(event: string, listener: Listener): this {
    return this.on(event, listener);
  }
  /** The same as {@link on}, before the listeners that were added earlier. */
  override prependListener(event: string, listener: Listener): this {
    this.forward(event);
    return super.prependListener(event, listener);
  }

  private forward(event: string): void {
    if (this.forwarded.has(event)) return;
    this.forwarded.add(event);
    const { client } = this;
    if (event === 'close') client.on('close', () => this.emit('close', client._lifecycle.reason));
    else if (event === 'upgrade' && client._connection.isCarried)
      client._connection.watchTransport(() => this.emit('upgrade', this.transport));
    else if (event === 'heartbeat') client.on('pong', () => this.emit('heartbeat'));
    else if (event === 'drain' || event === 'error') client.on(event, (...args) => this.emit(event, ...args));
    else reportIgnored(client.nsp, `client.conn.on('${event}')`);
  }
}

const connections = new WeakMap<EngineClient, EngineSocket>();

/** Returns a client's {@link EngineSocket}, made at the first use: few applications need it. */
export function engineSocketOf(client: EngineClient): EngineSocket {
  let known = connections.get(client);
  if (known === undefined) connections.set(client, (known = new EngineSocket(client)));
  return known;
}

function reportIgnored({ _config: mount }: EngineHost, what: string): void {
  if (isFirstCall(mount, what))
    mount.services.debug(`${what} never calls its listener: there is no Engine.IO below a plain WebSocket`);
}

/** Engine.IO's client, as far as it is not the socket itself. */
export interface SocketIoClient {
  readonly id: string;
  readonly conn: EngineSocket;
  readonly request: IncomingMessage;
}
