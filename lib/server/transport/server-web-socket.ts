import { Writable, type Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { dropCloseTimer, returnCloseFrame } from '../../ws/answer-close.js';
import { dropEmptyParts, withoutAutoPong } from '../../ws/idle-state.js';
import { makePartsOnDemand, pingWithoutSender } from '../../ws/on-demand-parts.js';
import type { SendCallback, SendOptions } from './connection.js';
import type { DeflateWriter, NegotiatedDeflate } from './deflate-writer.js';

/** Gets the events of one WebSocket. */
export interface WebSocketListener {
  /** Bytes of one message. */
  readonly maxPayload: number;
  onMessage(data: Buffer | string, isBinary: boolean): void;
  onPing(data: Buffer): void;
  onPong(data: Buffer): void;
  onError(error: Error): void;
  onClosed(code: number, reason: Buffer): void;
}

/**
 * A WebSocket that passes its events to one listener, and then to listeners of `ws`'s own kind. Five listeners on each
 * connection would take 350 bytes more, and each message would take the way through an emitter.
 */
export class ServerWebSocket extends WebSocket {
  listener: WebSocketListener | undefined = undefined;
  reader: { read(piece: Buffer): void } | undefined = undefined;
  // only connections with compression have these
  /** The compression that all connections share, where the client agreed on it. */
  declare deflate: NegotiatedDeflate | undefined;
  /** Writes the messages that are compressed so. */
  declare writer: DeflateWriter | undefined;
  static {
    makePartsOnDemand(this);
  }

  /** Called by a server of `ws`, without an address and protocols, with its own options. */
  constructor(address: string | URL | null, protocols?: unknown, options: object = {}) {
    super(address as string, protocols as undefined, withoutAutoPong(options));
    dropEmptyParts(this);
  }

  override emit(event: string | symbol, first?: unknown, second?: unknown): boolean {
    // before its listeners, as `ws` does
    if (event === 'ping' && this.readyState === WebSocket.OPEN) this.pong(first);
    const { listener } = this;
    if (listener === undefined) return super.emit(event, first, second);
    // an `error` without a listener would be thrown; a listener that is added now gets the next event
    const hasListeners = this.listenerCount(event) > 0;
    if (event === 'message') listener.onMessage(first as Buffer, second as boolean);
    else if (event === 'ping') listener.onPing(first as Buffer);
    else if (event === 'pong') listener.onPong(first as Buffer);
    else if (event === 'error') listener.onError(first as Error);
    else if (event === 'close') {
      dropCloseTimer(this);
      listener.onClosed(first as number, second as Buffer);
    }
    return !hasListeners || super.emit(event, first, second);
  }

  // what `ws` writes itself goes behind the messages that are being compressed

  override send(data: Sent, options?: WsSendOptions | SendCallback, callback?: SendCallback): void {
    this.writer?.flush();
    if (typeof options === 'function') return this.send(data, {}, options);
    // `ws` would make a compressor for this connection
    const given = options ?? {};
    super.send(data, this.deflate === undefined ? given : { ...given, compress: false }, callback);
  }

  override ping(...args: Parameters<WebSocket['ping']>): void {
    this.writer?.flush();
    if (args.length > 0 || !pingWithoutSender(this)) super.ping(...args);
  }

  override pong(...args: Parameters<WebSocket['pong']>): void {
    this.writer?.flush();
    super.pong(...args);
  }

  override close(code?: number, reason?: string | Buffer): void {
    this.writer?.flush();
    if (returnCloseFrame(this, code, reason)) return;
    endReceiverOnce(this);
    super.close(code, reason);
  }
}

/**
 * Stops `ws` from ending its receiver, a Writable, a second time when the connection closes after a closing handshake: Node
 * makes an unused error with a stack for that, 3 % of the cost of a connection. `ws` does not expose its receiver. If it is
 * not found in `_receiver`, nothing is changed.
 */
function endReceiverOnce(ws: WebSocket): void {
  const receiver: unknown = Reflect.get(ws, '_receiver');
  if (receiver instanceof Writable) receiver.end = endOnce;
}

function endOnce(this: Writable, ...args: unknown[]): Writable {
  if (args.length === 0 && this.writableFinished) return this;
  return Reflect.apply(Writable.prototype.end, this, args) as Writable;
}

type Sent = Parameters<WebSocket['send']>[0];
type WsSendOptions = { [Name in keyof SendOptions]: SendOptions[Name] | undefined };

type EndListener = (this: Duplex) => void;

/** The `end` listener of `ws`: one function for all connections. */
let listenerOfWs: EndListener | undefined;

/**
 * Stops `ws` from ending a stream that has ended. When the peer ends the TCP connection, `ws` ends its side and its reader
 * also if both have ended already; Node then makes an unused error with a stack for each. That is a tenth of the cost of
 * accepting and closing a connection. If the listener of `ws` has another name than today, nothing is changed.
 */
export function ignoreEndAfterClose(tcp: Duplex): void {
  const listener = (tcp.listeners('end') as EndListener[]).at(-1);
  if (listener?.name !== 'socketOnEnd') return;
  listenerOfWs ??= listener;
  if (listener !== listenerOfWs) return;
  dropIdleListener(tcp);
  tcp.off('end', listener).on('end', onEnd);
}

/** What a socket of Node does at the end of its readable side: nothing on a server, where `allowHalfOpen` is set. */
const LISTENER_OF_NODE = 'functiononReadableStreamEnd(){if(!this.allowHalfOpen){this.write=writeAfterFIN;}}';
let listenerOfNode: EndListener | undefined;

/** Removes that listener: a single one needs no list, 60 bytes of each idle connection. */
function dropIdleListener(tcp: Duplex): void {
  if (!tcp.allowHalfOpen) return;
  const [first] = tcp.listeners('end') as EndListener[];
  if (first === undefined) return;
  if (listenerOfNode === undefined && String(first).replaceAll(/\s/g, '') === LISTENER_OF_NODE)
    listenerOfNode = first;
  if (first === listenerOfNode) tcp.off('end', first);
}

/** If this side has ended, the closing handshake is over: nothing is left to do. */
function onEnd(this: Duplex): void {
  if (!this.writableEnded) listenerOfWs!.call(this);
}
