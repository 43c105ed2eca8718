import { describe } from './envelope-connection.js';
import { io } from './socket.io.esm.min.js';

/** The same as `Connection`, over Socket.IO's own client, as an application that moves to this server has it. */

const TIMEOUT = 5_000;

export class SocketIoConnection extends EventTarget {
  #socket;
  #pending = new Set();

  /**
   * @param url the HTTP address of the gateway: its path is the Socket.IO namespace
   * @param transport `websocket` or `polling`
   */
  constructor(url, transport) {
    super();
    const socket = io(url, { transports: [transport], autoConnect: false });
    this.#socket = socket;
    socket.on('connect', () => this.#emit('state', { state: 'open' }));
    for (const event of ['disconnect', 'connect_error'])
      socket.on(event, () => this.#emit('state', { state: 'waiting' }));
    socket.io.on('reconnect_attempt', () => this.#emit('state', { state: 'connecting' }));
    socket.onAny((event, data) => this.#received(event, data));
  }

  get isOpen() {
    return this.#socket.connected;
  }

  /** Connects now, without waiting for the rest of the reconnection delay. Does nothing while connected. */
  reconnect() {
    if (this.isOpen) return;
    this.#emit('state', { state: 'connecting' });
    // connect() alone does nothing while the client waits
    this.#socket.disconnect().connect();
  }

  /** Closes the connection for good. */
  close() {
    this.#socket.disconnect();
  }

  /** Sends an event. Drops it while disconnected. */
  send(event, data) {
    if (this.isOpen) this.#socket.emit(event, data);
  }

  /** Sends an event that asks for an acknowledgement, and resolves with it. Rejects as `Connection` does. */
  request(event, data) {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new Error('Not connected'));
      const request = { event, reject };
      this.#pending.add(request);
      this.#socket.timeout(TIMEOUT).emit(event, data, (error, value) => {
        this.#pending.delete(request);
        if (error === null) resolve(value);
        else reject(error);
      });
    });
  }

  #received(event, data) {
    const failed = event === 'exception' ? this.#failedBy(data) : undefined;
    if (failed === undefined) return this.#emit('event', { event, data });
    this.#pending.delete(failed);
    failed.reject(new Error(describe(data)));
  }

  /**
   * An exception is an event here, not the answer of a request. It may name the event that failed. This server handles
   * a client's messages one after the other, so it belongs to the oldest request that it can be about.
   */
  #failedBy({ cause }) {
    return [...this.#pending].find(({ event }) => cause === undefined || cause.pattern === event);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
