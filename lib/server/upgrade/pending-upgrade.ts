import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EnvelopeServer } from '../namespace/envelope-server.js';
import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import { publishLimit } from '../diagnostics/channels.js';
import { MAX_DELAY } from '../../protocol/max-delay.js';
import type { Params } from './path-pattern.js';
import { refusal, refuseUpgrade, RETRY_AFTER, type HttpRefusal } from './http-refusal.js';
import type { ClientInfo } from '../handshake/client-info.js';

/** One request for an upgrade, from its first byte until it is decided on: the line opens, is refused, or ends. */
export class PendingUpgrade {
  /** Where the client is on its way to, once its request was let through. */
  server: EnvelopeServer | undefined;
  /** The client as its guards know it, where there are guards. */
  client: EnvelopeSocket | undefined;
  /** Resolves when the guards have come to an end. */
  guards: Promise<unknown> | undefined;
  /** It was decided on; what a late check or guard says does not count. */
  isOver = false;
  private deadline: NodeJS.Timeout | undefined;
  private readonly abandon = (): void => {
    this.decide(false);
    this.tcp.destroy();
  };

  constructor(
    readonly request: IncomingMessage,
    readonly path: string,
    readonly params: Params,
    readonly clientInfo: ClientInfo,
    private readonly tcp: Duplex,
    /** Told once. */
    private readonly onDecided: (upgrade: PendingUpgrade, passed: boolean) => void,
  ) {}

  /**
   * Waits for checks and guards, where it is not decided on yet: most are by now, and pay for no listener. Refuses with
   * 503 what takes longer; `Infinity`: nothing takes too long.
   */
  wait(milliseconds: number): void {
    if (this.isOver) return;
    if (this.tcp.closed) return this.abandon();
    // who half-closes here has no WebSocket yet to say goodbye on
    this.tcp.on('close', this.abandon).on('end', this.abandon);
    // a timer that is to wait longer than it can would not wait at all
    if (milliseconds > MAX_DELAY) return;
    const expire = (): void => {
      publishLimit('upgradeTimeout');
      this.refuse(refusal(503, 'The upgrade took too long', RETRY_AFTER));
    };
    this.deadline = setTimeout(expire, milliseconds);
  }

  /** The line is open, and the TCP connection `ws`'s own. */
  pass(): void {
    this.decide(true);
  }

  refuse(answer: HttpRefusal): void {
    if (this.isOver) return;
    this.decide(false);
    refuseUpgrade(this.request, this.tcp, answer);
  }

  private decide(passed: boolean): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.deadline);
    this.tcp.off('close', this.abandon).off('end', this.abandon);
    if (!passed) this.client?._turnAway();
    this.onDecided(this, passed);
  }
}
