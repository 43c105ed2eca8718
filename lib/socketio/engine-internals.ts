import type { Socket as EngineSocket } from 'engine.io';
import type { Socket as TcpSocket } from 'node:net';
import { ServerWebSocket } from '../server/transport/web-socket-server.js';

/**
 * The undocumented members of Engine.IO's sockets that this package relies on, in `engine.io` 6.6. Where one is missing,
 * messages take the way through the engine, which is slower.
 */
interface Internals {
  readonly transport: {
    readonly name: string;
    readonly writable: boolean;
    readonly socket?: unknown;
    closeTimeout?: number;
    onData?(data: string): void;
    /** Ends a polling transport that waits for the client's next request, to send the close packet. */
    shouldClose?: (() => void) | null;
  };
  /** Whether a WebSocket is probed, which may replace the transport. */
  readonly upgrading?: boolean;
  readonly writeBuffer: readonly unknown[];
  pingTimeoutTimer: NodeJS.Timeout | null;
  readonly pingIntervalTimer?: NodeJS.Timeout | null;
  hasRefreshedPingTimeout: boolean;
  resetPingTimeout?: () => void;
}

function internalsOf(engine: EngineSocket): Internals {
  return engine as unknown as Internals;
}

/** A WebSocket that Engine.IO has made, and the TCP socket below it. */
interface TakenWebSocket {
  readonly ws: ServerWebSocket;
  readonly tcp: TcpSocket;
}

/** Returns the WebSocket that an engine uses, if messages can be read from and written to it directly. */
export function webSocketOf(engine: EngineSocket): TakenWebSocket | undefined {
  const { transport, writeBuffer } = internalsOf(engine);
  const ws = transport.socket;
  if (transport.name !== 'websocket' || !(ws instanceof ServerWebSocket) || ws.extensions !== '')
    return undefined;
  const tcp: unknown = Reflect.get(ws, '_socket');
  const isKnown =
    Array.isArray(writeBuffer) &&
    'pingTimeoutTimer' in engine &&
    'hasRefreshedPingTimeout' in engine &&
    typeof tcp === 'object' &&
    tcp !== null;
  return isKnown ? { ws, tcp: tcp as TcpSocket } : undefined;
}

/**
 * Releases the request of a WebSocket's handshake, with its headers: two listeners of the engine hold it, which do
 * nothing any more. If they look different than today, they stay.
 */
export function releaseHandshake({ ws, tcp }: TakenWebSocket): void {
  for (const listener of ws.listeners('error'))
    if (listener.name === 'onUpgradeError') ws.off('error', listener as () => void);
  for (const listener of tcp.listeners('close'))
    if (listener.name === '' && String(listener) === '() => this.emit("close")')
      tcp.off('close', listener as () => void);
}

/** Returns the WebSocket of an engine, however messages are read from it; `undefined` where the client polls. */
export function webSocketBelow(engine: EngineSocket): ServerWebSocket | undefined {
  const { socket } = internalsOf(engine).transport;
  return socket instanceof ServerWebSocket ? socket : undefined;
}

/** Returns what waits in the engine. It makes a new list when it passes it on. */
export function queueOf(engine: EngineSocket): readonly unknown[] {
  return internalsOf(engine).writeBuffer;
}

/** Returns whether nothing waits in the engine, so that a message written directly keeps its place. */
export function isDrained(engine: EngineSocket): boolean {
  return internalsOf(engine).writeBuffer.length === 0;
}

/** Returns whether the engine's transport takes a message now. With polling: a request of the client waits for one. */
export function isWritable(engine: EngineSocket): boolean {
  return internalsOf(engine).transport.writable;
}

/** Returns whether a polling client may change to a WebSocket now. The engine would let any client change, and again. */
export function mayUpgrade(engine: EngineSocket): boolean {
  const { transport, upgrading } = internalsOf(engine);
  return transport.name === 'polling' && upgrading !== true && engine.readyState === 'open';
}

/** Closes an engine at once, also one that waits for a polling client: a second `close` of Engine.IO does nothing then. */
export function closeAtOnce(engine: EngineSocket): void {
  const { transport } = internalsOf(engine);
  if (typeof transport.shouldClose === 'function') transport.shouldClose();
  else engine.close(true);
}

/** Returns whether a ping is open. */
export function isAwaitingPong(engine: EngineSocket): boolean {
  return internalsOf(engine).pingTimeoutTimer !== null;
}

/** Notes a sign of life that the engine has not seen. */
export function noteSignOfLife(engine: EngineSocket): void {
  const internals = internalsOf(engine);
  if (internals.pingTimeoutTimer === null || internals.hasRefreshedPingTimeout) return;
  internals.pingTimeoutTimer.refresh();
  internals.hasRefreshedPingTimeout = true;
}

/**
 * Stops the wait for pongs while nothing is read. Pings are sent all the same: without them, the client would take the server
 * for dead.
 */
export function suspendPingTimeout(engine: EngineSocket): void {
  const internals = internalsOf(engine);
  const suspend = (): void => {
    internals.pingTimeoutTimer = SUSPENDED;
    internals.pingIntervalTimer?.refresh();
  };
  if (internals.pingTimeoutTimer !== null) {
    clearTimeout(internals.pingTimeoutTimer);
    suspend();
  }
  // shadows the method of the class until reading goes on
  internals.resetPingTimeout = suspend;
}

/** Stands for the timer of an open ping while nothing is read. The engine replaces it when the pong arrives all the same. */
const SUSPENDED = { refresh: () => SUSPENDED } as NodeJS.Timeout;

/** Waits for pongs again. A ping that is open gets its whole time. */
export function resumePingTimeout(engine: EngineSocket): void {
  const internals = internalsOf(engine);
  Reflect.deleteProperty(internals, 'resetPingTimeout');
  if (internals.pingTimeoutTimer === SUSPENDED) internals.resetPingTimeout?.();
}

/** Sets how many milliseconds a closed connection waits for a last poll of its client. The engine waits for 30 seconds. */
export function limitCloseWait(engine: EngineSocket, milliseconds: number): void {
  const { transport } = internalsOf(engine);
  if (transport.closeTimeout !== undefined) transport.closeTimeout = milliseconds;
}

/** Calls back when the WebSocket of a closed engine has closed; with polling, at once. */
export function whenTransportClosed(engine: EngineSocket, callback: () => void): void {
  const ws = webSocketBelow(engine);
  if (ws === undefined || ws.readyState === ws.CLOSED) callback();
  else ws.once('close', callback);
}
