import type { EnvelopeServer } from '../namespace/envelope-server.js';
import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import { publishLimit } from '../diagnostics/channels.js';
import { MAX_DELAY } from '../../protocol/max-delay.js';
import { refuseRequest, type ConnectionRequest } from './connection-request.js';
import type { Params } from './path-pattern.js';
import { because, refusal, RETRY_AFTER, type HttpRefusal } from './http-refusal.js';
import type { ClientInfo } from '../handshake/client-info.js';

/** The refusal of a request whose checks or guards did not end in time. */
export const TOO_SLOW = because('upgradeTimeout', refusal(503, 'The upgrade took too long', RETRY_AFTER));

/** A request to connect, from its first byte until it is accepted, refused, or abandoned by the client. */
export class PendingUpgrade {
  /** The server that the client connects to, once the checks of the request have passed. */
  server: EnvelopeServer | undefined;
  /** The client as its guards see it; `undefined` on a path without guards. */
  client: EnvelopeSocket | undefined;
  /** Resolves when the guards have ended. */
  guards: Promise<unknown> | undefined;
  /** Whether it is decided. Later results of checks and guards are ignored. */
  isOver = false;
  private deadline: NodeJS.Timeout | undefined;
  private stopWatching: (() => void) | undefined;

  constructor(
    readonly request: ConnectionRequest,
    readonly path: string,
    readonly params: Params,
    readonly clientInfo: ClientInfo,
    /** Called once, when the upgrade is accepted, refused or abandoned. */
    private readonly onDecided: (upgrade: PendingUpgrade, accepted: boolean) => void,
  ) {}

  /**
   * Starts the timeout for checks and guards, in milliseconds. Refuses with 503 when it expires; `Infinity` disables
   * it. Does nothing if the upgrade is decided already: most upgrades are, and need no listener.
   */
  wait(milliseconds: number): void {
    if (this.isOver) return;
    if (this.request.isClosed) return this.abandon();
    this.stopWatching = this.request.onClosed(() => this.abandon());
    // a timer with a longer delay would expire at once
    if (milliseconds > MAX_DELAY) return;
    const expire = (): void => {
      publishLimit('upgradeTimeout');
      this.refuse(TOO_SLOW);
    };
    this.deadline = setTimeout(expire, milliseconds);
  }

  /** Ends the upgrade, since the connection is open. */
  accept(): void {
    this.decide(true);
  }

  /** Answers with a refusal, unless the upgrade is decided already. */
  refuse(answer: HttpRefusal): void {
    if (this.isOver) return;
    this.decide(false);
    refuseRequest(this.request, answer, () => this.clientInfo);
  }

  private abandon(): void {
    this.decide(false);
    this.request.destroy();
  }

  private decide(accepted: boolean): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.deadline);
    this.stopWatching?.();
    if (!accepted) this.client?._lifecycle.cut();
    this.onDecided(this, accepted);
  }
}
