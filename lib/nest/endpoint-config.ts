import { constants } from 'node:buffer';
import type { ClusterListener } from '../server/cluster/cluster.js';
import type { AdapterServices } from './adapter-services.js';
import { resolvePathOptions, type PathOptions } from './options/options.js';
import { hooksSettled } from './hooks/hook-tracker.js';
import { isClientFault, toExceptionPayload } from './errors/envelope-exception-filter.js';
import type { Gateway } from './gateways/gateway-explorer.js';
import { MessageDispatcher } from './handlers/message-dispatcher.js';
import { RoomLimitError } from './errors/room-limit-error.js';
import { upgradeGuards } from './guards/upgrade-guards.js';
import type { PathLimits, Resolved } from './options/limits.js';
import { MemoryRecovery } from '../server/recovery/memory-recovery.js';
import { meaninglessOptions } from './options/option-rules.js';
import { recoveryRefusal, resolveRecovery } from './options/recovery-options.js';
import type { ReportLog } from './logging/report-log.js';
import type { ErrorReporter } from '../server/diagnostics/types.js';
import type { Conversation } from '../server/socket/conversation.js';
import type { EnvelopeServer } from '../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../server/socket/envelope-socket.js';
import type { ConnectionLimits } from '../server/transport/connection-limits.js';
import { MemoryAdapter } from '../server/rooms/memory-adapter.js';
import type { Failures } from '../server/socket/failures.js';
import { TokenBucket } from '../server/util/token-bucket.js';
import { MessageRouter } from '../server/socket/message-router.js';
import { protocolSelector } from '../server/handshake/subprotocols.js';
import { combineChecks } from '../server/upgrade/upgrade-checks.js';
import type { EndpointConfig } from '../server/upgrade/endpoint.js';

/** What a pool's settings are made of. */
interface EndpointIngredients {
  /** Options by precedence: the gateways', then the adapter's. */
  readonly layers: readonly PathOptions[];
  readonly gateways: readonly Gateway[];
  /** Of those gateways; of all, on a path that Nest makes and no gateway uses. */
  readonly paths: readonly string[];
  readonly of: (path: string | RegExp) => EnvelopeServer;
  readonly services: AdapterServices;
}

/** Refusals for sending too much that a client may collect before it is let go: per second, or a tenth, and at once. */
const REFUSALS_PER_SECOND = 10;
const REFUSALS = 100;

const FAILURES: Failures = {
  toPayload: (error) => toExceptionPayload(error),
  isClientFault,
  roomLimit: (message) => new RoomLimitError(message),
};

/** Puts together what the rooms of the house need for one path. */
export function endpointConfig(given: EndpointIngredients): EndpointConfig {
  const { layers, gateways, of, services } = given;
  const { logger, reports, connections, clientAddress, connectionCounter } = services;
  const { guards, globalGuards, applicationCors, ownHosts } = services;
  const options = resolvePathOptions(...layers);
  const { limits, pingInterval, pingTimeout, connectTimeout, shutdownTimeout } = options;
  const router = new MessageRouter(limits, options.messageParser, options.messageContext);
  router.dispatcher = new MessageDispatcher(options.replies ?? 'always');
  warnOfMeaningless(reports, layers);
  const scoped = gateways.filter((gateway) => gateway.isRequestScoped).length;
  const report: ErrorReporter = (error, where, subject = where) => {
    // whoever refused the join has told of it
    if (error instanceof RoomLimitError) return;
    reports.error(error, where, subject);
  };
  const { warn } = reports;
  const onError = (error: unknown): void => report(error, 'a check of an upgrade request failed');
  const guard = upgradeGuards(gateways, guards, globalGuards, report);
  return {
    pingInterval,
    pingTimeout,
    gate: {
      ws: {
        ...wsLimits(limits),
        perMessageDeflate: options.perMessageDeflate,
        handleProtocols: protocolSelector(options.handleProtocols, (text) => warn('subprotocols', text)),
      },
      upgradeTimeout: limits.upgradeTimeout,
      clientAddress,
      connectionCounter,
      check: combineChecks({
        cors: () => options.cors ?? applicationCors(),
        ownHosts,
        verifyClient: options.verifyClient,
        allowRequest: options.allowRequest,
        onForeignOrigin: oncePerOrigin((explanation) => warn('foreign origins', explanation)),
        onError,
      }),
      guard,
      onError,
      warn,
    },
    mount: {
      ...roomsOf(options, given, {
        dropped(server, error) {
          router.counters.droppedClusterMessages++;
          warn(
            `${server}: dropped`,
            `${server}: a message on the cluster's channels was dropped: ${String(error)}`,
          );
        },
        failed: (server, error) => report(error, `${server}: the other nodes could not be told`),
        warn,
      }),
      router,
      report,
      warn,
      debug: (text) => logger.debug(text),
      connections,
      limits: connectionLimits(limits, connectTimeout),
      failures: FAILURES,
      identities: { identify: options.identify },
      hidesRequests: !(options.verifyClient ?? options.allowRequest ?? options.handleProtocols),
      session: { pingInterval, maxPayload: orZero(limits.maxPayload) },
      connectTimeout,
      shutdownTimeout,
      gateways,
      settled: (socket) => hooksSettled(socket, scoped),
      ...(guard && {
        async reauthenticate(socket: Conversation) {
          const refused = await guard(socket as EnvelopeSocket);
          return refused && { status: 'error', statusCode: refused.status, ...(refused.body as object) };
        },
      }),
      of,
    },
  };
}

/** Rooms, the way to other nodes, and what is kept for those who are away. */
function roomsOf(
  options: PathOptions,
  { services: { cluster }, paths }: EndpointIngredients,
  listener: ClusterListener & Pick<EndpointConfig['mount'], 'warn'>,
): Pick<EndpointConfig['mount'], 'adapter' | 'cluster' | 'recovery' | 'restore'> {
  const recovery = resolveRecovery(options);
  if (recovery === undefined)
    return { adapter: cluster.wrapFactory(options.adapter ?? MemoryAdapter, listener), cluster };
  if (options.adapter !== undefined)
    return {
      adapter: cluster.wrapFactory(options.adapter, listener),
      cluster,
      recovery: cluster.recovery(
        { ...recovery, warn: listener.warn },
        recoveryRefusal(options, paths, listener.warn),
      ),
      restore: recovery.restore,
    };
  const memory = new MemoryRecovery(recovery, listener.warn);
  return { adapter: memory.adapter, cluster, recovery: memory, restore: recovery.restore };
}

function wsLimits({ maxPayload, maxFragments }: Resolved<PathLimits>): object {
  return {
    // what is longer cannot become a string, and would end the process
    maxPayload: Math.min(maxPayload, constants.MAX_STRING_LENGTH),
    maxFragments: orZero(maxFragments),
    // pieces as TCP hands them over, of a message that is not complete: small ones must not cost more than they carry
    maxBufferedChunks: orZero(Math.max(4_096, Math.ceil(maxPayload / 256))),
    // pings count as messages, and pongs as bytes that wait: who sends too many hears why
    maxPendingAutoPongs: 0,
  };
}

/** 0 is `ws`'s word for no limit, and the protocol's; `ws` takes what does not fit into 32 bits for another number. */
function orZero(limit: number): number {
  return limit > MAX_INT32 ? 0 : limit;
}

const MAX_INT32 = 2 ** 31 - 1;

function connectionLimits(limits: Resolved<PathLimits>, connectTimeout: number): ConnectionLimits {
  const { messagesPerSecond, messageBurst } = limits;
  const messages =
    messagesPerSecond === Infinity ? undefined : new TokenBucket(messagesPerSecond, messageBurst);
  // who may send much sends a little too much in larger numbers
  const perSecond = messages === undefined ? 0 : messagesPerSecond / 10;
  const refusals = new TokenBucket(Math.max(REFUSALS_PER_SECOND, perSecond), REFUSALS);
  return { ...limits, messages, refusals, maxStandstill: connectTimeout };
}

/** Origins are the clients' choice: each is told of once, while the log has a line to spare. */
function oncePerOrigin(
  tell: (explanation: string) => boolean,
): (origin: string, explanation: string) => void {
  const told = new Set<string>();
  return (origin, explanation) => {
    if (told.size >= MAX_TOLD_ORIGINS) told.clear();
    if (!told.has(origin) && tell(explanation) && origin.length <= MAX_ORIGIN_LENGTH) told.add(origin);
  };
}

const MAX_TOLD_ORIGINS = 1_000;
/** Longer ones are no origins of browsers, and are logged each time that the log has a line to spare. */
const MAX_ORIGIN_LENGTH = 300;

function warnOfMeaningless(reports: ReportLog, layers: readonly PathOptions[]): void {
  for (const name of layers.flatMap(meaninglessOptions))
    reports.warnOnce(`The option "${name}" means nothing over a plain WebSocket and is ignored`);
}
