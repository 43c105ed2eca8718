import type { ClientInfo } from '../server/handshake/client-info.js';
import type { TransportHost } from '../server/upgrade/transport.js';

/** How many ended sessions are remembered: the last requests of their clients are no mistake. */
const MAX_ENDED = 1_000;

const UNKNOWN =
  'A Socket.IO client goes on with a session that this process does not have. After a restart that is usual. If it lasts, ' +
  'several processes serve these clients without sticky sessions, which long polling needs: see docs/deploy/socket.io-nginx.conf ' +
  'and socket.io-haproxy.cfg. Clients with transports: ["websocket"] need none';

/** Logs requests for sessions that do not exist here, which a load balancer without sticky sessions causes. */
export class UnknownSessions {
  private readonly ended = new Set<string>();

  constructor(private readonly warn: TransportHost['warn']) {}

  /** Notes the end of a session. */
  add(sid: string): void {
    this.ended.add(sid);
    if (this.ended.size > MAX_ENDED) for (const first of this.ended) return void this.ended.delete(first);
  }

  /**
   * Logs a request for a session.
   *
   * @param owner the client that opened the session; `undefined`: nobody did
   * @param client the client of the request
   */
  report(sid: string, owner: ClientInfo | undefined, client: ClientInfo): void {
    if (this.ended.has(sid)) return;
    if (owner === undefined) return this.warn('unknown sessions', UNKNOWN);
    this.warn(
      'sessions of other addresses',
      `A Socket.IO client has opened a session from ${owner.rateKey}, and goes on from ${client.rateKey}. It was refused, since ` +
        "a session belongs to one address. If these are proxies, name them in EnvelopeAdapter's option trustProxy",
    );
  }
}
