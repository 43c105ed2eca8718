import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/** Milliseconds in which a client that has just connected may still send its request, and gets the answer that the server closes. */
const GRACE = 1_000;
/** The number of connections from which on those that have closed are removed. */
const LEAST_TO_SWEEP = 64;
/** The events of a server that bring a request. */
const REQUESTS = new Set(['request', 'upgrade', 'connect', 'checkContinue', 'checkExpectation']);

/**
 * The connections of an HTTP server whose first request has not arrived. Browsers open some in advance, and load balancers to
 * see whether a port is open. Node's `server.close()` waits for them without an end: it closes idle connections, among which
 * these do not count, and it stops the timer of `headersTimeout`.
 */
export class UnusedConnections {
  private readonly sockets = new Set<Socket>();
  private readonly opening: string;
  private sweepAt = LEAST_TO_SWEEP;

  constructor(http: Server) {
    this.opening = http instanceof TlsServer ? 'secureConnection' : 'connection';
  }

  /** Takes note of an event of the server. A listener for the end of each connection would cost more than the sweep. */
  watch(event: unknown, subject: unknown): void {
    if (event === this.opening) this.add(subject as Socket);
    else if (REQUESTS.has(event as string)) this.sockets.delete((subject as IncomingMessage).socket);
  }

  /** Ends those that are still unused after a second. */
  close(): void {
    setTimeout(() => {
      for (const socket of this.sockets) socket.destroy();
      this.sockets.clear();
    }, GRACE).unref();
  }

  private add(socket: Socket): void {
    this.sockets.add(socket);
    if (this.sockets.size < this.sweepAt) return;
    for (const each of this.sockets) if (each.destroyed) this.sockets.delete(each);
    this.sweepAt = Math.max(LEAST_TO_SWEEP, 2 * this.sockets.size);
  }
}
