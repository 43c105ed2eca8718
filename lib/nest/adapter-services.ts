import type { INestApplicationContext, Logger } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { watchCors } from './gateways/application-cors.js';
import { configOf } from './gateways/find-adapter.js';
import { logBrokerStatus } from './logging/cluster-log.js';
import { ConnectionLog } from './logging/connection-log.js';
import { ReportLog } from './logging/report-log.js';
import { resolveAdapterLimits } from './options/limits.js';
import { UPGRADE_GUARDS, type EnvelopeOptions, type UpgradeGuards } from './options/options.js';
import { Cluster } from '../server/cluster/cluster.js';
import { SHARED_ADDRESS_FACTOR } from '../server/handshake/client-info.js';
import type { EnvelopeSocket } from '../server/socket/envelope-socket.js';
import type { ConnectionListener } from '../server/socket/namespace-contract.js';
import { ClientAddressReader } from '../server/upgrade/client-address.js';
import { ConnectionCounter } from '../server/upgrade/connection-counter.js';
import type { Cors } from '../server/upgrade/origin.js';
import { compileHosts, type OwnHosts } from '../server/upgrade/own-hosts.js';
import { withCode } from '../protocol/with-code.js';

const WITHOUT_APPLICATION =
  'EnvelopeAdapter was made without the application, and so cannot see the guards of gateways, which are to run ' +
  'before a connection is open: pass it, new EnvelopeAdapter(app), or set upgradeGuards: false to do without them';

const UNKNOWN_PROXY =
  'Clients come through a proxy that nobody named (X-Forwarded-For from a private address): their own addresses are ' +
  `not known, and each proxy may open ${SHARED_ADDRESS_FACTOR} times limits.maxConnectionsPerAddress for all of them together. Name the ` +
  "proxies in EnvelopeAdapter's option trustProxy, or set it to false where there are none";

/** What all endpoints of one adapter share. */
export interface AdapterServices {
  /** The adapter's logger. A getter, because a subclass assigns its logger after the adapter's constructor has run. */
  readonly logger: Logger;
  /** Logs warnings and errors that clients can cause, in limited numbers. */
  readonly reports: ReportLog;
  /** Logs each connect and disconnect at the level `verbose`. */
  readonly connections: ConnectionListener<EnvelopeSocket>;
  /** Reads the client's address, as the option `trustProxy` says. */
  readonly clientAddress: ClientAddressReader;
  /** Counts the connections on all paths, and refuses those beyond the limits. */
  readonly connectionCounter: ConnectionCounter;
  /** Wraps the Socket.IO adapters, and knows whether their broker answers. */
  readonly cluster: Cluster;
  /** The hosts of the option `hosts`; `undefined` if it is not set. */
  readonly ownHosts: OwnHosts | undefined;
  /** Returns the CORS rule of the application's HTTP routes, if WebSockets can use it safely. */
  readonly applicationCors: () => Cors | undefined;
  /** The option `upgradeGuards`, or its default. */
  readonly guards: UpgradeGuards;
  /** Nest's configuration, which has the global guards; `undefined` without an application. */
  readonly globalGuards: ApplicationConfig | undefined;
  /** Restores `app.enableCors`, and logs how many reports were left out until now. */
  close(): void;
}

/**
 * Makes the services of one adapter.
 *
 * @param app `undefined` if the adapter was made without an application
 * @param currentLogger returns the adapter's logger
 * @throws Error if guards should run before connections open, but `app` is `undefined`
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
  const ownHosts = compileHosts(options.hosts);
  // changes the application: after everything that can throw
  const cors = app && watchCors(app);
  return {
    get logger() {
      return currentLogger();
    },
    reports,
    connections,
    clientAddress,
    connectionCounter: new ConnectionCounter(resolveAdapterLimits(options.limits), warn),
    cluster: new Cluster((status, before, cause) => logBrokerStatus(currentLogger(), status, before, cause)),
    ownHosts,
    applicationCors: cors?.current ?? (() => undefined),
    guards,
    globalGuards: app && configOf(app),
    close() {
      cors?.undo();
      reports.close();
      connections.close();
    },
  };
}
