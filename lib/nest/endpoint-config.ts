import { constants } from 'node:buffer';
import type { ClusterListener } from '../server/cluster/cluster.js';
import type { AdapterServices } from './adapter-services.js';
import type { OwnPath } from './own-path.js';
import { resolvePathOptions, type PathOptions, type ResolvedPathOptions } from './options/options.js';
import { hooksSettled } from './hooks/hook-tracker.js';
import { isClientFault, toExceptionPayload } from './errors/envelope-exception-filter.js';
import type { Gateway } from './gateways/gateway-explorer.js';
import { MessageDispatcher } from './handlers/message-dispatcher.js';
import { onceRunner } from './handlers/once-handlers.js';
import { orderedEvents } from './handlers/ordered.js';
import { RoomLimitError } from './errors/room-limit-error.js';
import { upgradeGuards } from './guards/upgrade-guards.js';
import type { PathLimits, Resolved } from './options/limits.js';
import { MemoryRecovery } from '../server/recovery/memory-recovery.js';
import { explainMeaningless, meaninglessOptions } from './options/option-rules.js';
import { resolveCompression } from './options/compression-options.js';
import { recoveryRefusal, resolveRecovery } from './options/recovery-options.js';
import type { ErrorReporter } from '../server/diagnostics/types.js';
import type { EnvelopeServer } from '../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../server/socket/envelope-socket.js';
import type { WebSocketOptions } from '../server/transport/web-socket-acceptor.js';
import { encodingSelector } from '../server/upgrade/further-encoding.js';
import type { ConnectionLimits } from '../server/transport/connection-limits.js';
import { MemoryAdapter } from '../server/rooms/memory-adapter.js';
import type { ErrorMapping } from '../server/socket/namespace-contract.js';
import { TokenBucket } from '../server/util/token-bucket.js';
import { MessageRouter } from '../server/socket/message-router.js';
import { protocolSelector } from '../server/handshake/subprotocols.js';
import type { AccessControl } from '../server/upgrade/access-control.js';
import type { ConnectionCounter } from '../server/upgrade/connection-counter.js';
import { combineChecks, originCheckOf } from '../server/upgrade/upgrade-checks.js';
import type { EndpointConfig } from '../server/upgrade/endpoint.js';
import type { UpgradeHandlerConfig } from '../server/upgrade/upgrade-handler.js';
import type { Counters, NamespaceLimits } from '../server/socket/namespace-contract.js';

/** The input for the configuration of one endpoint. */
interface EndpointInput {
  /** The name of the path. */
  readonly name: string;
  /** The options of the gateways, by precedence. */
  readonly gatewayLayers: readonly PathOptions[];
  /** The adapter's options. */
  readonly adapterOptions: PathOptions;
  readonly gateways: readonly Gateway[];
  /** The paths of those gateways. If Nest mounted the path and no gateway uses it: the paths of all gateways. */
  readonly paths: readonly string[];
  /** Returns another server of the same adapter, by its path. */
  readonly of: (path: string | RegExp) => EnvelopeServer;
  readonly services: AdapterServices;
  /** What a path of this package itself has in the place of what gateways share. */
  readonly own?: OwnPath;
}

/** The input with resolved options, and the values that several parts of the configuration share. */
interface ResolvedInput extends Omit<EndpointInput, 'own'> {
  readonly options: ResolvedPathOptions;
  readonly limits: ConnectionLimits;
  readonly report: ErrorReporter;
  readonly guard: UpgradeHandlerConfig['guard'];
  readonly access: AccessControl;
  readonly connectionCounter: ConnectionCounter;
}

/**
 * The limits for refusals that a client causes by sending too many messages, before it is disconnected. Per second, the
 * limit is the larger of this number and a tenth of `limits.messagesPerSecond`.
 */
const REFUSALS_PER_SECOND = 10;
const REFUSAL_BURST = 100;

const ERROR_MAPPING: ErrorMapping = {
  toPayload: (error) => toExceptionPayload(error),
  isClientFault,
  roomLimit: (message) => new RoomLimitError(message),
};

/**
 * Creates the configuration of one endpoint from the options of its gateways and of the adapter.
 *
 * @throws Error if the path requires recovery, but the option `adapter` stores no messages
 */
export function endpointConfig(input: EndpointInput): EndpointConfig {
  const { name: path, gatewayLayers, adapterOptions, gateways, services, of } = input;
  const layers = services.limits.layers(path, gatewayLayers, adapterOptions);
  const options = resolvePathOptions(...layers);
  const { hasTransports } = services;
  for (const name of layers.flatMap((layer) => meaninglessOptions(layer, hasTransports)))
    services.reports.warnOnce(explainMeaningless(name, hasTransports));
  const { report } = services;
  const { access, connectionCounter } = input.own ?? services;
  const guard = input.own?.guard ?? upgradeGuards(gateways, services.guards, services.globalGuards, report);
  const limits = connectionLimits(options);
  const resolved: ResolvedInput = { ...input, options, limits, report, guard, access, connectionCounter };
  const gateway = gatewayBridge(resolved);
  const ofNamespace = namespaceLimits(resolved);
  return {
    limits: options.limits,
    refreshLimits() {
      Object.assign(options.limits, resolvePathOptions(...layers).limits);
      Object.assign(limits, connectionLimits(options));
      Object.assign(ofNamespace, namespaceLimits(resolved));
      return webSocketOptions(options);
    },
    pingInterval: options.pingInterval,
    pingTimeout: options.pingTimeout,
    upgrade: upgradeConfig(resolved),
    namespace: {
      limits: ofNamespace,
      services: namespaceServices(resolved, gateway.router.counters),
      gateway,
      of,
    },
  };
}

function upgradeConfig(resolved: ResolvedInput): UpgradeHandlerConfig {
  const { options, adapterOptions, limits, services, guard, report, access, connectionCounter } = resolved;
  const { clientAddress, applicationCors, ownHosts } = services;
  const { warn } = services.reports;
  const onError = (error: unknown): void =>
    report(error, 'a check of an upgrade request failed', undefined, { kind: 'connection' });
  const originOptions = { cors: () => options.cors ?? applicationCors(), ownHosts };
  const checks = {
    ...originOptions,
    onForeignOrigin: oncePerOrigin((explanation) => warn('foreign origins', explanation)),
    onError,
  };
  const { verifyClient, allowRequest } = options;
  return {
    webSocket: webSocketOptions(options),
    deflate: resolveCompression(options.perMessageDeflate).deflate,
    encodingOf: encodingSelector(services.encoding, services.furtherEncodings),
    selectProtocol: protocolSelector(
      options.handleProtocols,
      (text) => warn('subprotocols', text),
      new Set(services.furtherEncodings.keys()),
    ),
    limits,
    clientAddress,
    connectionCounter,
    access,
    check: combineChecks({ ...checks, verifyClient, allowRequest }),
    checkCarried: combineChecks({
      ...checks,
      verifyClient: verifyClient === adapterOptions.verifyClient ? undefined : verifyClient,
      allowRequest: allowRequest === adapterOptions.allowRequest ? undefined : allowRequest,
    }),
    checkOrigin: originCheckOf(originOptions),
    guard,
    onError,
    warn,
  };
}

function namespaceLimits({ options, limits }: ResolvedInput): NamespaceLimits {
  const { pingInterval, pingTimeout, connectTimeout, shutdownTimeout } = options;
  const { maxJsonDepth } = options.limits;
  return {
    ...limits,
    session: {
      pingInterval,
      pingTimeout,
      maxPayload: orZero(limits.maxPayload),
      maxJsonDepth: orZero(maxJsonDepth),
    },
    connectTimeout,
    shutdownTimeout,
  };
}

function gatewayBridge({
  options,
  gateways,
  guard,
  services,
}: ResolvedInput): EndpointConfig['namespace']['gateway'] {
  const { limits, messageParser, messageContext, ordered, onceStore: store } = options;
  const order = ordered === true ? true : orderedEvents(gateways);
  const router = new MessageRouter(limits, messageParser, messageContext, order);
  const checks = services.validation?.of(gateways);
  const once = onceRunner(gateways, { store, warn: services.reports.warn });
  router.dispatcher = new MessageDispatcher(options.replies ?? 'always', checks, once);
  const scoped = gateways.filter((gateway) => gateway.isRequestScoped).length;
  return {
    router,
    errors: ERROR_MAPPING,
    settled: (client) => hooksSettled(client, scoped),
    checkEmit: checks?.emit,
    doesOnce: once !== undefined,
    transportFeatures: services.transportFeatures,
    hidesRequests: !(options.verifyClient ?? options.allowRequest ?? options.handleProtocols),
    gateways,
    ...(guard && {
      async reauthenticate(client: EnvelopeSocket) {
        const refused = await guard(client);
        return refused && { status: 'error', statusCode: refused.status, ...(refused.body as object) };
      },
    }),
  };
}

function namespaceServices(
  resolved: ResolvedInput,
  counters: Counters,
): EndpointConfig['namespace']['services'] {
  const { options, services, report, access } = resolved;
  const { warn } = services.reports;
  const listener: ClusterListener = {
    dropped(server, error) {
      counters.droppedClusterMessages++;
      const text = `${server}: a message on the cluster's channels was dropped: ${String(error)}`;
      warn(`${server}: dropped`, text);
    },
    failed: (server, error) => report(error, `${server}: a message could not be sent to the other nodes`),
  };
  return {
    ...roomServices(resolved, listener),
    report,
    warn,
    encoding: services.encoding,
    history: options.history,
    debug: (text) => services.logger.debug(text),
    connections: services.connections,
    isUserBlocked: (name) => access.isUserBlocked(name),
    identities: { identify: options.identify },
  };
}

/** Returns the services for rooms: the adapter, the cluster and the recovery. */
function roomServices(
  { options, paths, services: { cluster, reports } }: ResolvedInput,
  listener: ClusterListener,
): Pick<EndpointConfig['namespace']['services'], 'adapter' | 'cluster' | 'recovery' | 'restore'> {
  const { warn } = reports;
  const recovery = resolveRecovery(options);
  if (recovery === undefined)
    return { adapter: cluster.wrapFactory(options.adapter ?? MemoryAdapter, listener), cluster };
  const { restore } = recovery;
  if (options.adapter === undefined) {
    const memory = new MemoryRecovery(recovery, warn);
    return { adapter: memory.adapter, cluster, recovery: memory, restore };
  }
  return {
    adapter: cluster.wrapFactory(options.adapter, listener),
    cluster,
    recovery: cluster.recovery({ ...recovery, warn }, recoveryRefusal(options, paths, warn)),
    restore,
  };
}

/** Returns the options of the WebSockets of a path. */
export function webSocketOptions({
  limits,
  perMessageDeflate,
}: Pick<ResolvedPathOptions, 'limits' | 'perMessageDeflate'>): WebSocketOptions {
  return { ...wsLimits(limits), perMessageDeflate: resolveCompression(perMessageDeflate).perMessageDeflate };
}

function wsLimits({ maxPayload, maxFragments }: Resolved<PathLimits>): object {
  return {
    // a longer message cannot become a string: the error would end the process
    maxPayload: Math.min(maxPayload, constants.MAX_STRING_LENGTH),
    maxFragments: orZero(maxFragments),
    // the chunks of an incomplete message, as TCP delivers them: small ones must not take more memory than they carry
    maxBufferedChunks: orZero(Math.max(4_096, Math.ceil(maxPayload / 256))),
    // not limited by ws: pings count as messages, and pongs as buffered bytes, so that the client learns which limit it
    // exceeds
    maxPendingAutoPongs: 0,
  };
}

/**
 * Returns a limit for `ws` and for the protocol, in which 0 stands for no limit. Returns 0 for a number beyond 32 bits,
 * since `ws` would truncate it to another number.
 */
function orZero(limit: number): number {
  return limit > MAX_INT32 ? 0 : limit;
}

const MAX_INT32 = 2 ** 31 - 1;

/** Returns the limits of a connection. */
export function connectionLimits({ limits, connectTimeout }: ResolvedPathOptions): ConnectionLimits {
  const { messagesPerSecond, messageBurst } = limits;
  const messages =
    messagesPerSecond === Infinity ? undefined : new TokenBucket(messagesPerSecond, messageBurst);
  // a client with a higher rate exceeds it by more messages
  const perSecond = messages === undefined ? 0 : messagesPerSecond / 10;
  const refusals = new TokenBucket(Math.max(REFUSALS_PER_SECOND, perSecond), REFUSAL_BURST);
  return { ...limits, messages, refusals, maxStandstill: connectTimeout };
}

/**
 * Returns a function that reports each origin once. Clients choose the origins: `report` returns whether the log had
 * room for the line, and an origin that was not logged is reported again.
 */
export function oncePerOrigin(
  report: (explanation: string) => boolean,
): (origin: string, explanation: string) => void {
  const reported = new Set<string>();
  return (origin, explanation) => {
    if (reported.size >= MAX_REPORTED_ORIGINS) reported.clear();
    if (!reported.has(origin) && report(explanation) && origin.length <= MAX_ORIGIN_LENGTH)
      reported.add(origin);
  };
}

const MAX_REPORTED_ORIGINS = 1_000;
/** The maximum length of an origin of a browser. Longer ones are not remembered, and so reported each time. */
const MAX_ORIGIN_LENGTH = 300;
