import type { INestApplicationContext, Logger } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { watchCors } from '../gateways/application-cors.js';
import { configOf } from '../gateways/find-adapter.js';
import { logBrokerStatus } from '../logging/cluster-log.js';
import { ConnectionLog } from '../logging/connection-log.js';
import { ReportLog } from '../logging/report-log.js';
import { RuntimeLimits } from '../operations/runtime-limits.js';
import { UPGRADE_GUARDS, type EnvelopeOptions, type UpgradeGuards } from '../options/options.js';
import { PayloadValidation } from '../schemas/payload-validation.js';
import { publishLimit } from '../../server/diagnostics/channels.js';
import type { ErrorReporter } from '../../server/diagnostics/types.js';
import { errorReporter } from '../errors/error-reporter.js';
import { Cluster } from '../../server/cluster/cluster.js';
import { SHARED_ADDRESS_FACTOR } from '../../server/handshake/client-info.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { ConnectionListener } from '../../server/socket/namespace-contract.js';
import { AccessControl } from '../../server/upgrade/access-control.js';
import { ClientAddressReader } from '../../server/upgrade/client-address.js';
import { ConnectionCounter } from '../../server/upgrade/connection-counter.js';
import type { Cors } from '../../server/upgrade/origin.js';
import { ENVELOPE, ENVELOPE_WITH_BYTES, type Encoding } from '../../server/transport/encoding.js';
import type { Transport } from '../../server/upgrade/transport.js';
import { compileHosts, type OwnHosts } from '../../server/upgrade/own-hosts.js';
import { withCode } from '../../protocol/with-code.js';

const WITHOUT_APPLICATION =
  'EnvelopeAdapter was created without the application, so it cannot find the guards of gateways, which run before a ' +
  'connection opens. Pass the application, new EnvelopeAdapter(app), or set upgradeGuards: false to run no guards there';

const UNKNOWN_PROXY =
  'Clients connect through an unknown proxy: a private address sends X-Forwarded-For. The addresses of its clients are ' +
  `unknown, so together they may open ${SHARED_ADDRESS_FACTOR} times limits.maxConnectionsPerAddress. Name the proxy in ` +
  "EnvelopeAdapter's option trustProxy, or set trustProxy: false if you use no proxy";

/** The objects that all endpoints of one adapter share. */
export interface AdapterServices {
  /** The adapter's logger. A getter, because a subclass assigns its logger after the adapter's constructor has run. */
  readonly logger: Logger;
  /** Logs warnings and errors. Clients can cause them at will, so it limits how many it logs. */
  readonly reports: ReportLog;
  /** Logs errors, and passes them to the option `onError`. */
  readonly report: ErrorReporter;
  /** Logs each connect and disconnect at the level `verbose`. */
  readonly connections: ConnectionListener<EnvelopeSocket>;
  /** Reads the address of a client, with the option `trustProxy`. */
  readonly clientAddress: ClientAddressReader;
  /** Whom an operator keeps out. */
  readonly access: AccessControl;
  /** The limits that an operator has set. */
  readonly limits: RuntimeLimits;
  /** Counts the connections on all paths, and refuses those beyond the limits. */
  readonly connectionCounter: ConnectionCounter;
  /** Wraps the Socket.IO adapters, and watches whether their broker answers. */
  readonly cluster: Cluster;
  /** The hosts of the option `hosts`; `undefined` if it is not set. */
  readonly ownHosts: OwnHosts | undefined;
  /** Returns the CORS rule of the application's HTTP routes; `undefined` if it is not safe for WebSockets. */
  readonly applicationCors: () => Cors | undefined;
  /** The option `upgradeGuards`, or its default. */
  readonly guards: UpgradeGuards;
  /** Nest's configuration, which has the global guards; `undefined` without an application. */
  readonly globalGuards: ApplicationConfig | undefined;
  /** Checks what gateways send, with the option `validateEmits`; `undefined`: nothing does. */
  readonly validation: PayloadValidation | undefined;
  /** Whether clients of another protocol connect by a further transport. */
  readonly hasTransports: boolean;
  /** The names of further transports in `$session.features`. */
  readonly transportFeatures: readonly string[];
  /** The JSON encoding of the envelope protocol: with bytes, if other clients exchange them. */
  readonly encoding: Encoding;
  /** The encodings of the option `encodings`, by their subprotocols. */
  readonly furtherEncodings: ReadonlyMap<string, Encoding>;
  /** Restores `app.enableCors`, and logs the number of log lines that were left out. */
  close(): void;
}

/**
 * Creates the services of one adapter.
 *
 * @param app the application; `undefined` if the adapter was created without one
 * @param currentLogger returns the adapter's logger
 * @throws Error if guards should run before a connection opens, but `app` is `undefined`
 * @throws TypeError if `trustProxy` names no proxy, or `hosts` no host
 */
export function createAdapterServices(
  options: EnvelopeOptions,
  app: INestApplicationContext | undefined,
  currentLogger: () => Logger,
): AdapterServices {
  const guards = options.upgradeGuards ?? UPGRADE_GUARDS;
  if (app === undefined && guards !== false)
    throw withCode('ERR_ENVELOPE_NO_APPLICATION', new Error(WITHOUT_APPLICATION));
  const reports = new ReportLog(currentLogger());
  const connections = new ConnectionLog(currentLogger());
  const { warn } = reports;
  const clientAddress = new ClientAddressReader(options.trustProxy, () => warn('trustProxy', UNKNOWN_PROXY));
  const limits = new RuntimeLimits(options.limits);
  const ownHosts = compileHosts(options.hosts);
  const hasTransports =
    options.transports?.some(({ _carriesBytes }: Partial<Transport>) => _carriesBytes === true) === true;
  // last, because it changes the application, and the code above can throw
  const cors = app && watchCors(app);
  return {
    get logger() {
      return currentLogger();
    },
    reports,
    report: errorReporter(reports.error, options.onError),
    connections,
    clientAddress,
    access: new AccessControl(),
    limits,
    connectionCounter: new ConnectionCounter(limits.shared, (limit, text) => {
      publishLimit(limit);
      warn(limit, text);
    }),
    cluster: new Cluster((status, before, cause) => logBrokerStatus(currentLogger(), status, before, cause)),
    ownHosts,
    applicationCors: cors?.current ?? (() => undefined),
    guards,
    globalGuards: app && configOf(app),
    validation:
      options.validateEmits === true ? new PayloadValidation((text) => reports.warnOnce(text)) : undefined,
    hasTransports,
    transportFeatures:
      options.transports?.flatMap(({ _feature }: Partial<Transport>) => _feature ?? []) ?? [],
    encoding: hasTransports || (options.encodings ?? []).length > 0 ? ENVELOPE_WITH_BYTES : ENVELOPE,
    furtherEncodings: new Map(
      options.encodings?.map(({ _protocol, _encoding }) => [_protocol, _encoding] as const),
    ),
    close() {
      cors?.undo();
      reports.close();
      connections.close();
    },
  };
}
