import type { ClusterListener } from '../../server/cluster/cluster.js';
import type { AdapterServices } from './adapter-services.js';
import type { OwnPath } from './own-path.js';
import { resolvePathOptions, type PathOptions, type ResolvedPathOptions } from '../options/options.js';
import { hooksSettled } from '../hooks/hook-tracker.js';
import { isClientFault, toExceptionPayload } from '../errors/envelope-exception-filter.js';
import type { Gateway } from '../gateways/gateway-explorer.js';
import { MessageDispatcher } from '../handlers/message-dispatcher.js';
import { onceRunner } from '../handlers/once-handlers.js';
import { orderedEvents } from '../handlers/ordered.js';
import { RoomLimitError } from '../errors/room-limit-error.js';
import { oncePerOrigin } from '../logging/once-per-origin.js';
import { upgradeGuards } from '../guards/upgrade-guards.js';
import { connectionLimits, namespaceLimits, webSocketOptions } from '../options/applied-limits.js';
import { MemoryRecovery } from '../../server/recovery/memory-recovery.js';
import { explainMeaningless, meaninglessOptions } from '../options/option-rules.js';
import { resolveCompression } from '../options/compression-options.js';
import { recoveryRefusal, resolveRecovery } from '../options/recovery-options.js';
import type { ErrorReporter } from '../../server/diagnostics/types.js';
import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { encodingSelector } from '../../server/upgrade/further-encoding.js';
import type { ConnectionLimits } from '../../server/transport/connection-limits.js';
import { MemoryAdapter } from '../../server/rooms/memory-adapter.js';
import type { Counters, ErrorMapping } from '../../server/socket/namespace-contract.js';
import { MessageRouter } from '../../server/socket/message-router.js';
import { protocolSelector } from '../../server/handshake/subprotocols.js';
import type { AccessControl } from '../../server/upgrade/access-control.js';
import type { ConnectionCounter } from '../../server/upgrade/connection-counter.js';
import { combineChecks, originCheckOf } from '../../server/upgrade/upgrade-checks.js';
import type { EndpointConfig } from '../../server/upgrade/endpoint.js';
import type { UpgradeHandlerConfig } from '../../server/upgrade/upgrade-handler.js';

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
  const ofNamespace = namespaceLimits(options, limits);
  return {
    limits: options.limits,
    refreshLimits() {
      Object.assign(options.limits, resolvePathOptions(...layers).limits);
      Object.assign(limits, connectionLimits(options));
      Object.assign(ofNamespace, namespaceLimits(options, limits));
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
