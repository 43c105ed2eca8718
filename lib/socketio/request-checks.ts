import type { IncomingMessage } from 'node:http';
import type { ClientInfo } from '../server/handshake/client-info.js';
import type { HttpRefusal } from '../server/upgrade/http-refusal.js';
import type { CorsOptions } from '../server/upgrade/origin.js';
import type { TransportHost } from '../server/upgrade/transport.js';

/** The options of the package `cors` that leave a response as it is. */
const NO_CORS: CorsOptions = Object.freeze({ origin: false });

/** The methods of Engine.IO's requests. */
const METHODS = ['GET', 'POST'];

/**
 * Checks every request of the transport, those of known sessions included: the engine checks only the first. A page of a
 * foreign origin may not use a session that it has learned.
 */
export class RequestChecks {
  private readonly cors = new WeakMap<IncomingMessage, CorsOptions>();

  constructor(private readonly host: TransportHost) {}

  /**
   * Calls back once with the client, or with the refusal; never where the client has gone meanwhile.
   *
   * @param target what the answer is written to
   */
  run(
    request: IncomingMessage,
    target: { readonly destroyed: boolean },
    done: (clientInfo: ClientInfo) => void,
    refuse: (answer: HttpRefusal) => void,
  ): void {
    const clientInfo = this.host.identify(request);
    if ('status' in clientInfo) return refuse(clientInfo);
    this.host.checkOrigin(request, clientInfo, (result) => {
      if (target.destroyed) return;
      if ('refused' in result) return refuse(result.refused);
      // the server's own origin needs no header
      if (result.allowed.origin !== undefined)
        this.cors.set(request, { methods: METHODS, ...result.allowed });
      done(clientInfo);
    });
  }

  /** The CORS options of a request that has passed, for the engine's option `cors`. */
  readonly corsOf = (request: IncomingMessage, callback: (error: null, options: CorsOptions) => void): void =>
    callback(null, this.cors.get(request) ?? NO_CORS);
}
