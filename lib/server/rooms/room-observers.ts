import type { Adapter, BroadcastOptions, Room } from 'socket.io-adapter';
import { catchRejection } from '../util/safe-call.js';
import type { Encoding } from '../transport/encoding.js';
import { isInTarget, type ForEachSocket } from './target.js';

/** A packet that was encoded, as the server's encoder makes it. */
interface EncodedPacket {
  frame(encoding: Encoding): { readonly payload: unknown };
}

/** The part of a server that its observers use. */
interface ObservedServer {
  readonly adapter: Adapter;
  readonly encoder: { readonly encoding: Encoding; encode(packet: object): EncodedPacket[] };
  /** @internal */
  readonly _config: { readonly parent?: { readonly _observers: RoomObservers } };
  /** @internal */
  _report(error: unknown, where: string): void;
}

/** An event and its payload, as a client that speaks JSON receives them. */
export interface ObservedMessage {
  readonly event: string;
  readonly data: unknown;
}

/** Receives the messages to its rooms. */
export interface RoomObserver {
  readonly rooms: ReadonlySet<Room>;
  next(message: ObservedMessage): void;
  /** The server stops. */
  complete(): void;
}

const NONE: ReadonlySet<Room> = new Set();
let count = 0;

/**
 * The observers of one server. Each is a member of its rooms in the adapter, so that the other nodes send this one what is
 * for them. It is no socket: nothing but broadcasts reaches it.
 */
export class RoomObservers {
  private readonly observers = new Map<RoomObserver, string>();
  /** The servers of this one's namespaces that have observers, if this is the server of a RegExp namespace. */
  private readonly children = new Set<RoomObservers>();
  /** The packet that the adapter has encoded, and is about to send to the sockets of this node. */
  private encoded: EncodedPacket | undefined;
  private isWatching = false;
  private isClosed = false;

  constructor(private readonly server: ObservedServer) {}

  /** The number of observers. */
  get size(): number {
    return this.observers.size;
  }

  /** Adds an observer. Completes it immediately if the server has stopped. */
  add(observer: RoomObserver): void {
    if (this.isClosed) return observer.complete();
    this.watch();
    const id = `$observer:${++count}`;
    this.observers.set(observer, id);
    this.server._config.parent?._observers.addChild(this);
    this.handled(this.server.adapter.addAll(id, new Set(observer.rooms)));
  }

  /** Removes an observer. */
  remove(observer: RoomObserver): void {
    const id = this.observers.get(observer);
    if (id === undefined) return;
    this.observers.delete(observer);
    if (this.observers.size === 0) this.server._config.parent?._observers.children.delete(this);
    this.handled(this.server.adapter.delAll(id));
  }

  /** Completes and removes all observers. */
  close(): void {
    this.isClosed = true;
    for (const observer of [...this.observers.keys()]) {
      this.remove(observer);
      observer.complete();
    }
  }

  private addChild(child: RoomObservers): void {
    this.watch();
    this.children.add(child);
  }

  /**
   * Sees each broadcast on this node from now on. Adapters encode a packet and hand it to the sockets of its target in one
   * synchronous step, for broadcasts of this node and of others; `apply` alone does not know what its callback is for.
   */
  private watch(): void {
    if (this.isWatching) return;
    this.isWatching = true;
    const { encoder, adapter } = this.server;
    const encode = encoder.encode.bind(encoder);
    encoder.encode = (packet) => {
      const messages = encode(packet);
      // an observer cannot answer a request
      this.encoded = Object.hasOwn(packet, 'id') ? undefined : messages[0];
      return messages;
    };
    const { apply } = adapter as unknown as { apply: ForEachSocket };
    const observed: ForEachSocket = (options, callback) => {
      const message = this.encoded;
      this.encoded = undefined;
      Reflect.apply(apply, adapter, [options, callback]);
      if (message !== undefined) this.deliver(message, options);
    };
    Reflect.set(adapter, 'apply', observed);
  }

  private deliver(message: EncodedPacket, target: BroadcastOptions): void {
    for (const child of this.children) child.deliver(message, target);
    let read: ObservedMessage | undefined;
    for (const observer of [...this.observers.keys()]) {
      if (isInTarget(observer.rooms, { except: NONE, ...target }))
        observer.next((read ??= this.read(message)));
    }
  }

  /**
   * Returns a message as a client reads it. The application may change what it emitted, and the message of another node was
   * JSON: observers get the same in both cases.
   */
  private read(message: EncodedPacket): ObservedMessage {
    const text = message.frame(this.server.encoder.encoding).payload as string;
    const { event, data } = JSON.parse(text) as ObservedMessage;
    return { event, data };
  }

  private handled(changed: unknown): void {
    catchRejection(changed, (error) => this.server._report(error, 'the cluster adapter failed'));
  }
}
