import type { Socket as EngineSocket } from 'engine.io';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientInfo } from '../server/handshake/client-info.js';
import type { DisconnectReason } from '../server/transport/disconnect-reason.js';
import type { Outgoing } from '../server/transport/frame.js';
import { MessageRate } from '../server/transport/message-rate.js';
import { OPEN } from '../server/transport/ready-state.js';
import {
  ignoreEndAfterClose,
  readAhead,
  type ServerWebSocket,
  type WebSocketListener,
} from '../server/transport/web-socket-server.js';
import { CarrierRequest } from './carrier-request.js';
import {
  closeAtOnce,
  isAwaitingPong,
  mayUpgrade,
  noteSignOfLife,
  releaseHandshake,
  webSocketBelow,
  whenTransportClosed,
  webSocketOf,
} from './engine-internals.js';
import { describeEngineEnd } from './engine-end.js';
import { LinkFlow } from './link-flow.js';
import { LinkNamespaces, type LinkSettings } from './link-namespaces.js';
import { LinkWriter } from './link-writer.js';
import type { ConnectError, Link, LinkMember } from './link.js';
import type { PacketEncoding } from './packet-encoding.js';
import { PacketReader } from './packet-reader.js';

/** The first character of the engine's packets that carry a message. */
const MESSAGE = 0x34;
/** The first character of those that answer a ping. */
const PONG = 0x33;

/** Milliseconds for a polling client's next request, or a closing handshake, when the server ends a link. */
const CLOSE_TIMEOUT = 2_000;

/**
 * The connection of one Socket.IO client: one engine, over which it joins any number of namespaces. The engine does the
 * handshake, polling, the change to a WebSocket, the heartbeat and the close. On a WebSocket, messages do not take the way
 * through it.
 *
 * What protects the process from one peer belongs to the link: the message rate, the bytes that wait to be written, the
 * number of namespaces and of attachments.
 */
export class EngineLink implements Link, WebSocketListener {
  readonly rate: MessageRate;
  private readonly writer: LinkWriter;
  private readonly namespaces: LinkNamespaces;
  private readonly reader: PacketReader;
  private ws: ServerWebSocket | undefined;
  private readonly flow: LinkFlow;
  private isEnding = false;
  /** Whether the engine has closed. */
  hasClosed = false;
  private isGone = false;
  /** The last WebSocket that the client wanted to change to. */
  private probe: ServerWebSocket | undefined;
  private closeCallbacks: (() => void)[] | undefined;
  private transportListeners: Set<() => void> | undefined;

  constructor(
    private readonly engine: EngineSocket,
    request: IncomingMessage,
    readonly clientInfo: ClientInfo,
    private readonly settings: LinkSettings,
    /** Called once, when the engine and its WebSocket have closed. */
    private readonly onEnd: (link: EngineLink) => void,
  ) {
    this.rate = new MessageRate(settings.host.limits);
    this.writer = new LinkWriter(engine);
    this.flow = new LinkFlow(engine);
    this.namespaces = new LinkNamespaces(this, new CarrierRequest(request), settings);
    const { maxAttachments } = settings;
    this.reader = new PacketReader(
      this.namespaces,
      this.rate,
      { maxAttachments, maxPayload: this.maxPayload },
      this,
    );
    engine.on('data', (data: string | Buffer | undefined) => this.onEngineData(data));
    engine.on('close', (reason: string) => this.onEngineClose(reason));
    engine.on('packet', ({ type }: { type: string }) => this.onEnginePacket(type));
    if (engine.transport.name === 'polling') engine.once('upgrade', () => this.onUpgrade());
    else this.takeWebSocket();
  }

  get id(): string {
    return Reflect.get(this.engine, 'id') as string;
  }
  get transportName(): string {
    return this.engine.transport.name;
  }
  get maxPayload(): number {
    return this.settings.host.limits.maxPayload;
  }
  /** Whether messages can be sent. */
  get isOpen(): boolean {
    // the engine notes later that its WebSocket closes: nothing may follow a close frame
    const isClosing = this.ws !== undefined && this.ws.readyState !== OPEN;
    return !isClosing && !this.isEnding && this.engine.readyState === 'open';
  }
  /** Whether nothing is read. */
  get isPaused(): boolean {
    return this.flow.isPaused;
  }
  /** Whether the client may change to a WebSocket now. */
  get canUpgrade(): boolean {
    // one at a time: the engine accepts a WebSocket, and closes it then, and no limit counts it
    return (
      (this.probe === undefined || this.probe.readyState === this.probe.CLOSED) && mayUpgrade(this.engine)
    );
  }
  /** Notes a WebSocket that the client wants to change to. */
  probed(ws: ServerWebSocket): void {
    this.probe = ws;
  }
  get unwrittenBytes(): number {
    return this.writer.unwrittenBytes;
  }
  get needsDrain(): boolean {
    return this.writer.needsDrain;
  }
  get isBusy(): boolean {
    return this.writer.isBusy;
  }

  // the transport

  private onUpgrade(): void {
    this.takeWebSocket();
    for (const listener of this.transportListeners ?? []) listener();
  }

  /** Reads and writes the WebSocket directly, if the engine's one is as expected. */
  private takeWebSocket(): void {
    const taken = webSocketOf(this.engine);
    if (taken === undefined) return;
    releaseHandshake(taken);
    const { ws, tcp } = taken;
    this.ws = ws;
    // one that a polling client has changed to is read already, see readWithEngine
    const isRead = ws.listener !== undefined;
    ws.listener = this;
    ws.removeAllListeners('message');
    if (!isRead) readAhead(tcp, ws);
    ignoreEndAfterClose(tcp);
    this.writer.writeTo(tcp);
    if (this.isPaused) ws.pause();
  }

  watchTransport(listener: () => void): () => void {
    const listeners = (this.transportListeners ??= new Set());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  // reading

  hold(): void {
    this.flow.hold(this.ws);
  }
  release(): void {
    this.flow.release(this.ws);
  }
  /** See {@link LinkFlow.post}. */
  post(handle: () => void): boolean {
    return this.flow.post(handle);
  }

  /** Handles a polling request that waits for messages. @returns false if the client reads too slowly */
  poll(response: ServerResponse): boolean {
    if (
      this.writer.watchResponse(response) &&
      this.writer.unreadBytes <= this.settings.host.limits.maxBufferedBytes
    )
      return true;
    this.overflow();
    return false;
  }

  private overflow(): void {
    const [first] = this.namespaces.all;
    if (first === undefined) this.cut();
    else first.overflow();
  }

  /** Messages on a WebSocket. Those of the engine itself are passed to it. */
  onMessage(data: Buffer | string, isBinary: boolean): void {
    noteSignOfLife(this.engine);
    if (isBinary) return this.reader.takeBytes(data as Buffer);
    const text = typeof data === 'string' ? data : data.toString();
    if (text.charCodeAt(0) !== MESSAGE) return this.takeEnginePacket(text);
    this.reader.takeText(text);
  }

  private takeEnginePacket(text: string): void {
    if (!this.isAnswer(text.charCodeAt(0) === PONG) && !this.reader.mayPass()) return;
    (this.engine.transport as unknown as { onData(text: string): void }).onData(text);
  }

  /** A packet that the engine has read itself: one POST may contain thousands. */
  private onEnginePacket(type: string): void {
    if (this.ws === undefined && type !== 'message' && !this.isAnswer(type === 'pong')) this.reader.mayPass();
  }

  /** Returns whether a packet of the engine answers a ping: that costs no token. */
  private isAnswer(isPong: boolean): boolean {
    return isPong && isAwaitingPong(this.engine);
  }

  /** @param data `undefined`: a message without data */
  private onEngineData(data: string | Buffer | undefined): void {
    if (Buffer.isBuffer(data)) this.reader.takeBytes(data);
    else this.reader.takeText(`4${data ?? ''}`);
  }

  /** The client broke the protocol. */
  onMalformed(): void {
    this.end('parse error');
  }

  /** The client goes on over its message rate. */
  onFlood(): void {
    this.end('forced close');
  }

  // what the WebSocket reports beside messages

  onPing(): void {
    if (this.isEnding || !this.reader.mayPass()) return;
    // `ws` answers pings by itself, also when the peer does not read the pongs
    if (this.unwrittenBytes > this.settings.host.limits.maxBufferedBytes) this.overflow();
  }
  onPong(): void {
    if (!this.isEnding) this.reader.mayPass();
  }
  // the engine listens to these itself
  onError(): void {}
  onClosed(): void {}

  // writing

  write(items: readonly Outgoing[]): number {
    return this.writer.write(items);
  }
  drained(): Promise<void> {
    return this.hasClosed ? Promise.resolve() : this.writer.drained();
  }
  watchDrain(listener: () => void): () => void {
    return this.writer.watchDrain(listener);
  }

  sendConnectError(encoding: PacketEncoding, error: ConnectError): void {
    if (!this.isOpen) return;
    this.writer.send(encoding.connectError(error));
    // it waits in no outbox: a client can cause it at will
    if (this.unwrittenBytes > this.settings.host.limits.maxBufferedBytes) this.overflow();
  }
  sendDisconnect(encoding: PacketEncoding): void {
    if (this.isOpen) this.writer.send(encoding.disconnect());
  }
  /** Tells a client why it is disconnected: Socket.IO has no close codes. */
  sendException(encoding: PacketEncoding, message: string, closeCode: number): void {
    if (!this.isOpen) return;
    const payload = { status: 'error', message, closeCode };
    this.writer.send(encoding.event('exception', [payload]) as string);
  }

  // namespaces

  joined(encoding: PacketEncoding, connection: LinkMember): void {
    this.namespaces.accepted(encoding, connection);
  }
  refused(encoding: PacketEncoding, error?: ConnectError): void {
    this.namespaces.refused(encoding);
    if (error !== undefined) this.sendConnectError(encoding, error);
  }
  left(encoding: PacketEncoding): void {
    this.namespaces.left(encoding);
  }

  // the end

  /**
   * Ends the link: disconnects the client from its other namespaces, then closes the engine. What was sent before still
   * arrives.
   */
  end(reason: DisconnectReason): void {
    if (this.isEnding) return;
    for (const connection of this.namespaces.all) connection.flush();
    this.leaveAll(reason);
    this.engine.close();
    if (this.hasClosed) return;
    const timer = setTimeout(() => this.cut(), CLOSE_TIMEOUT);
    this.whenClosed(() => clearTimeout(timer));
  }

  /** Cuts the link without a closing handshake. */
  cut(): void {
    this.leaveAll('forced close');
    this.probe?.terminate();
    webSocketBelow(this.engine)?.terminate();
    closeAtOnce(this.engine);
  }

  private leaveAll(reason: DisconnectReason): void {
    if (this.isEnding) return;
    this.namespaces.end(reason, { code: 1005, reason: '', wasClean: true, initiator: 'server' });
    this.isEnding = true;
    this.reader.close();
  }

  /** Calls back when the connection has closed. */
  whenClosed(callback: () => void): void {
    if (this.isGone) queueMicrotask(callback);
    else (this.closeCallbacks ??= []).push(callback);
  }

  private onEngineClose(reason: string): void {
    this.hasClosed = true;
    this.reader.close();
    this.writer.end(CLOSE_TIMEOUT);
    // the engine refuses its session
    this.flow.handleHeld();
    this.namespaces.end(...describeEngineEnd(reason));
    this.isEnding = true;
    // the engine does not wait for the closing handshake, but the client counts until the connection has closed
    whenTransportClosed(this.engine, () => this.onGone());
  }

  private onGone(): void {
    this.isGone = true;
    for (const callback of this.closeCallbacks ?? []) callback();
    this.onEnd(this);
  }
}
