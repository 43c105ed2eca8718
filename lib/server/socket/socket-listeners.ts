import type { EventEmitter } from 'node:events';
import { currentTrace } from '../diagnostics/current-trace.js';
import { REVOKED } from '../rooms/target.js';
import type { Connection } from '../transport/connection.js';
import { callSafely } from '../util/safe-call.js';
import { UserEvents } from '../util/user-events.js';
import type { CatchAllListeners } from './catch-all-listeners.js';
import { CONNECTION_EVENTS, type ConnectionEvents } from './connection-events.js';
import type { NamespaceContract } from './namespace-contract.js';

/** What the listeners of a client need of their socket. */
interface ListenedSocket {
  readonly nsp: NamespaceContract;
  readonly _connection: Connection;
  _report(error: unknown, where: string): void;
}

/** The listeners of one client: of the events that it sends, of its connection, and of all events in one direction. */
export class SocketListeners {
  /** The listeners of all events that the client sends, and of all that is emitted to it; `undefined`: there was none. */
  incoming: CatchAllListeners | undefined;
  outgoing: CatchAllListeners | undefined;
  private events: EventEmitter | undefined;
  private connectionEvents: EventEmitter | undefined;

  constructor(private readonly socket: ListenedSocket) {}

  /** Returns the emitter of an event: that of the connection, or that of the client. Makes it if necessary. */
  emitterOf(event: string): EventEmitter {
    return CONNECTION_EVENTS.has(event) ? this.connectionEmitter() : this.clientEmitter();
  }

  /** Returns the emitter of an event, unless it never had a listener. */
  emitterIfAny(event: string): EventEmitter | undefined {
    return CONNECTION_EVENTS.has(event) ? this.connectionEvents : this.events;
  }

  private clientEmitter(): EventEmitter {
    const { socket } = this;
    return (this.events ??= new UserEvents((error, event, args) =>
      socket.nsp._config.gateway.router.listenerFailed(socket, error, event, args),
    ));
  }

  private connectionEmitter(): EventEmitter {
    if (this.connectionEvents === undefined) {
      const { socket } = this;
      this.connectionEvents = new UserEvents((error, event) =>
        socket._report(error, `a listener of "${event}" threw`),
      );
      socket._connection.watchDrain();
    }
    return this.connectionEvents;
  }

  get eventNames(): string[] {
    return [this.connectionEvents, this.events].flatMap(
      (emitter) => (emitter?.eventNames() ?? []) as string[],
    );
  }

  /** Removes the listeners of all events. The catch-all listeners stay. */
  removeAll(): void {
    this.events?.removeAllListeners();
    this.connectionEvents?.removeAllListeners();
  }

  /** Runs the listeners of an event that the client sent. @returns whether it had one */
  call(event: string, args: readonly unknown[]): boolean {
    const { incoming, events } = this;
    // the text does not name the event, which is the client's choice
    const any =
      incoming?.call(event, args, (error) => this.socket._report(error, 'a catch-all listener threw')) ===
      true;
    // counted first: an emitter throws on an "error" without listeners
    if (events === undefined || events.listenerCount(event) === 0) return any;
    currentTrace()?.setDeclared(event);
    return events.emit(event, ...args);
  }

  /** Emits an event of the connection. What a listener throws is reported, not passed on. */
  emitConnectionEvent(event: keyof ConnectionEvents, args: readonly unknown[]): void {
    const emitter = this.connectionEvents;
    if (emitter === undefined || emitter.listenerCount(event) === 0) return;
    try {
      emitter.emit(event, ...args);
    } catch (error) {
      this.socket._report(error, `a listener of "${event}" threw`);
    }
  }

  /**
   * Runs the outgoing catch-all listeners, which see what is sent: all arguments in Socket.IO's protocol, else one payload, or
   * none.
   */
  notifyOutgoing(event: string, args: readonly unknown[]): void {
    const { outgoing, socket } = this;
    if (outgoing === undefined) return;
    const seen = socket._connection.encoding.protocol === 'socket.io' ? args : payloadOf(args);
    const failed = (error: unknown): void =>
      socket._report(error, `an outgoing listener threw at "${event}"`);
    callSafely(() => outgoing.call(event, seen, failed), failed);
  }

  /** The same for a broadcast. */
  notifyBroadcast([event, ...args]: readonly unknown[]): void {
    if (event !== REVOKED) this.notifyOutgoing(String(event), args);
  }
}

/** Returns the one payload that stands for the arguments in the envelope, or none. */
function payloadOf(args: readonly unknown[]): readonly unknown[] {
  if (args.length > 1) return [args];
  return args[0] === undefined ? [] : args;
}
