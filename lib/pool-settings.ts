import type { Logger } from '@nestjs/common';
import { meaninglessOptions, resolvePathOptions, type PathOptions } from './envelope.options.js';
import { hooksSettled } from './gateway/connection-gate.js';
import type { Gateway } from './gateway/gateway-explorer.js';
import { MessageDispatcher } from './gateway/message-dispatcher.js';
import type { ErrorReporter } from './server/contract.js';
import type { EnvelopeServer } from './server/envelope.server.js';
import { selectProtocol } from './server/handshake.js';
import { MemoryAdapter } from './server/memory-adapter.js';
import { Receiver } from './server/receiver.js';
import type { PoolSettings } from './upgrade/pool.js';
import { combineChecks } from './upgrade/verify-client.js';

/** What a pool's settings are made of. */
interface Ingredients {
  /** Options by precedence: the gateways', then the adapter's. */
  readonly layers: readonly PathOptions[];
  readonly gateways: readonly Gateway[];
  readonly of: (path: string | RegExp) => EnvelopeServer;
  readonly logger: Logger;
}

/** Puts together what the rooms of the house need for one path. */
export function poolSettings({ layers, gateways, of, logger }: Ingredients): PoolSettings {
  const options = resolvePathOptions(...layers);
  const receiver = new Receiver(options.messageParser);
  receiver.dispatcher = new MessageDispatcher();
  warnOfMeaningless(logger, layers);
  const scoped = gateways.filter((gateway) => gateway.isRequestScoped).length;
  const { pingInterval, pingTimeout, maxPayload, perMessageDeflate, connectTimeout } = options;
  const { cors, verifyClient, allowRequest } = options;
  const report: ErrorReporter = (error, where) =>
    logger.error(error instanceof Error ? `${where}\n${error.stack}` : `${where}: ${String(error)}`);
  const onError = (error: unknown): void => report(error, 'a check of an upgrade request failed');
  const onForeignOrigin = oncePerOrigin((explanation) => logger.warn(explanation));
  return {
    pingInterval,
    pingTimeout,
    ws: {
      maxPayload,
      perMessageDeflate,
      handleProtocols: options.handleProtocols ?? selectProtocol,
      verifyClient: combineChecks({ cors, verifyClient, allowRequest, onForeignOrigin, onError }),
    },
    mount: {
      adapter: options.adapter ?? MemoryAdapter,
      receiver,
      report,
      session: { pingInterval, maxPayload },
      connectTimeout,
      gateways,
      settled: (socket) => hooksSettled(socket, scoped),
      of,
    },
  };
}

/** Origins are the clients' choice: each is told of once, and only so many. */
function oncePerOrigin(tell: (explanation: string) => void): (origin: string, explanation: string) => void {
  const told = new Set<string>();
  return (origin, explanation) => {
    if (told.has(origin) || told.size >= MAX_TOLD_ORIGINS) return;
    told.add(origin);
    tell(explanation);
  };
}

const MAX_TOLD_ORIGINS = 20;
const warned = new Set<string>();

function warnOfMeaningless(logger: Logger, layers: readonly PathOptions[]): void {
  for (const name of layers.flatMap(meaninglessOptions)) {
    if (warned.has(name)) continue;
    warned.add(name);
    logger.warn(`The option "${name}" means nothing over a plain WebSocket and is ignored`);
  }
}
