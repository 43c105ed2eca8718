import type { Logger } from '@nestjs/common';
import { meaninglessOptions, resolvePathOptions, type PathOptions } from './envelope.options.js';
import { hooksSettled } from './gateway/connection-gate.js';
import type { Gateway } from './gateway/gateway-explorer.js';
import { MessageDispatcher } from './gateway/message-dispatcher.js';
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
  const verifyClient = combineChecks(options.verifyClient, options.allowRequest);
  return {
    pingInterval,
    pingTimeout,
    ws: {
      maxPayload,
      perMessageDeflate,
      handleProtocols: options.handleProtocols ?? selectProtocol,
      ...(verifyClient === undefined ? {} : { verifyClient }),
    },
    mount: {
      adapter: options.adapter ?? MemoryAdapter,
      receiver,
      report: (error, where) => logger.error(error instanceof Error ? `${where}\n${error.stack}` : `${where}: ${String(error)}`),
      session: { pingInterval, maxPayload },
      connectTimeout,
      settled: (socket) => hooksSettled(socket, scoped),
      of,
    },
  };
}

const warned = new Set<string>();

function warnOfMeaningless(logger: Logger, layers: readonly PathOptions[]): void {
  for (const name of layers.flatMap(meaninglessOptions)) {
    if (warned.has(name)) continue;
    warned.add(name);
    logger.warn(`The option "${name}" means nothing over a plain WebSocket and is ignored`);
  }
}
