import type { IncomingMessage } from 'node:http';
import { MAX_DELAY } from '../../protocol/max-delay.js';
import { publishLimit } from '../diagnostics/channels.js';
import type { ClientInfo, RateIdentity } from '../handshake/client-info.js';
import type { AccessControl } from './access-control.js';
import type { ClientAddressReader } from './client-address.js';
import type { ConnectionCounter } from './connection-counter.js';
import { refuseRequest, type ConnectionRequest } from './connection-request.js';
import { because, refusal, type HttpRefusal } from './http-refusal.js';
import { identifyClient, SHUTTING_DOWN } from './identify-client.js';
import { explainOrigin, ORIGIN_REFUSED } from './origin.js';
import { NO_PARAMS } from './path-pattern.js';
import { PendingUpgrade, TOO_SLOW } from './pending-upgrade.js';
import type { TransportHost } from './transport.js';
import type { OriginCheck, UpgradeCheck } from './upgrade-checks.js';

/** The checks and limits of one adapter for transports, whose gateways are not known before they are admitted. */
interface TransportAdmissionConfig {
  readonly clientAddress: ClientAddressReader;
  readonly connectionCounter: ConnectionCounter;
  readonly access: AccessControl;
  /** Milliseconds for the checks, as they are now: an operator may change them. */
  readonly upgradeTimeout: () => number;
  /** The checks of the adapter's options, without that of the origin. */
  readonly check: UpgradeCheck;
  /** The origin checks of the adapter and of the gateways on the port. A page may connect if one of them allows it. */
  readonly originChecks: () => Iterable<OriginCheck>;
  /** Called with a refused origin. */
  readonly onForeignOrigin: (origin: string, explanation: string) => void;
  readonly isClosing: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** Admits transports that carry connections to several gateways: the first part of what a WebSocket's upgrade checks. */
export class TransportAdmission implements Pick<
  TransportHost,
  'identify' | 'rateIdentityOf' | 'checkOrigin' | 'admit' | 'release'
> {
  private readonly pending = new Set<PendingUpgrade>();

  constructor(private readonly config: TransportAdmissionConfig) {}

  identify(request: IncomingMessage): ClientInfo | HttpRefusal {
    const { clientAddress, onError } = this.config;
    return identifyClient(request, clientAddress, onError);
  }

  rateIdentityOf(request: IncomingMessage): RateIdentity | undefined {
    return this.config.clientAddress.rateIdentityOf(request);
  }

  checkOrigin(
    request: IncomingMessage,
    clientInfo: ClientInfo,
    done: Parameters<TransportHost['checkOrigin']>[2],
  ): void {
    const { onForeignOrigin, onError, originChecks } = this.config;
    const upgradeTimeout = this.config.upgradeTimeout();
    let isDone = false;
    let deadline: NodeJS.Timeout | undefined;
    const finish: typeof done = (result) => {
      if (isDone) return;
      isDone = true;
      clearTimeout(deadline);
      done(result);
    };
    const checks = [...originChecks()];
    const next = (index: number): void => {
      const check = checks[index];
      if (check === undefined) {
        const origin = String(request.headers.origin);
        onForeignOrigin(origin, explainOrigin(origin, clientInfo));
        return finish({ refused: because('origin', refusal(403, ORIGIN_REFUSED)) });
      }
      // the application's rule may decide twice, or fail after it has decided
      let isDecided = false;
      const decide = (allowed: Parameters<Parameters<OriginCheck>[2]>[0]): void => {
        if (isDecided) return;
        isDecided = true;
        if (allowed === undefined) next(index + 1);
        else finish({ allowed });
      };
      const failed = (error: unknown): void => {
        onError(error);
        if (!isDecided) finish({ refused: refusal(500, 'Internal server error') });
      };
      check(request, clientInfo, decide, failed);
    };
    next(0);
    // most rules decide at once; a timer with a longer delay would expire at once
    if (isDone || upgradeTimeout > MAX_DELAY) return;
    deadline = setTimeout(() => {
      publishLimit('upgradeTimeout');
      finish({ refused: TOO_SLOW });
    }, upgradeTimeout);
    deadline.unref();
  }

  admit(request: ConnectionRequest, clientInfo: ClientInfo, admitted: () => void): void {
    const { access, connectionCounter, check, upgradeTimeout, isClosing } = this.config;
    if (isClosing()) return refuseRequest(request, SHUTTING_DOWN, () => clientInfo);
    const refused = access.refusalOf(clientInfo) ?? connectionCounter.tryAdd(clientInfo);
    if (refused !== undefined) return refuseRequest(request, refused, () => clientInfo);
    const pending = new PendingUpgrade(request, '', NO_PARAMS, clientInfo, (_, isAccepted) => {
      this.pending.delete(pending);
      connectionCounter.upgradeDecided();
      if (!isAccepted) connectionCounter.remove(clientInfo);
    });
    this.pending.add(pending);
    check(request.httpRequest, clientInfo, (refused) => {
      if (pending.isOver) return;
      // an operator may have blocked the address while the check ran
      const late = refused ?? access.refusalOf(clientInfo);
      if (late !== undefined) return pending.refuse(late);
      pending.accept();
      admitted();
    });
    pending.wait(upgradeTimeout());
  }

  release(clientInfo: ClientInfo): void {
    this.config.connectionCounter.remove(clientInfo);
  }

  /** Refuses every pending request. */
  clear(): void {
    for (const pending of this.pending) pending.refuse(SHUTTING_DOWN);
  }
}
