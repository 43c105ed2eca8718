import type { IncomingMessage } from 'node:http';
import type { AdapterServices } from './adapter-services.js';
import { oncePerOrigin } from '../logging/once-per-origin.js';
import { connectionLimits, webSocketOptions } from '../options/applied-limits.js';
import { isTransport } from '../options/option-rules.js';
import { resolvePathOptions, type EnvelopeOptions } from '../options/options.js';
import type { EndpointRegistry } from '../../server/upgrade/endpoint-registry.js';
import type { HandleRequest, OpenTransport, TransportHost } from '../../server/upgrade/transport.js';
import { TransportAdmission } from '../../server/upgrade/transport-admission.js';
import {
  combineApplicationChecks,
  originCheckOf,
  type OriginCheck,
} from '../../server/upgrade/upgrade-checks.js';
import type { HandleUpgrade } from '../../server/upgrade/upgrade-router.js';

/** The transports of the option `transports`, opened on each port that a gateway uses. */
export class OpenTransports {
  private readonly byPort = new Map<number, readonly OpenTransport[]>();
  private readonly admissions: TransportAdmission[] = [];
  /** Each function updates the limits of one port. */
  private readonly refreshes: (() => void)[] = [];
  private isClosing = false;

  constructor(
    private readonly options: EnvelopeOptions,
    private readonly services: AdapterServices,
    private readonly endpoints: EndpointRegistry,
    /** Whether the servers of all gateways have begun to close. */
    private readonly areServersClosing: () => boolean,
  ) {}

  get areOpen(): boolean {
    return this.byPort.size > 0;
  }

  /** Opens all transports on a port. Does nothing the second time. */
  open(port: number): void {
    const transports = this.options.transports?.filter(isTransport) ?? [];
    if (transports.length === 0 || this.byPort.has(port)) return;
    const host = this.createHost(port);
    this.byPort.set(
      port,
      transports.map((transport) => transport._open(host)),
    );
  }

  /** Applies limits that an operator has changed. */
  refreshLimits(): void {
    for (const refresh of this.refreshes) refresh();
  }

  requestHandler(port: number, path: string, request: IncomingMessage): HandleRequest | undefined {
    return this.first(port, (transport) => transport.requestHandler(path, request));
  }

  upgradeHandler(port: number, path: string): HandleUpgrade | undefined {
    return this.first(port, (transport) => transport.upgradeHandler(path));
  }

  /** Closes all transports, after their namespaces have closed. */
  async close(): Promise<void> {
    this.isClosing = true;
    for (const admission of this.admissions) admission.clear();
    await Promise.all([...this.byPort.values()].flat().map((transport) => transport.close()));
  }

  private first<Found>(
    port: number,
    find: (transport: OpenTransport) => Found | undefined,
  ): Found | undefined {
    for (const transport of this.byPort.get(port) ?? []) {
      const found = find(transport);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private createHost(port: number): TransportHost {
    const { access, report, reports, clientAddress, connectionCounter } = this.services;
    const { warn } = reports;
    const layers = this.services.limits.layers(undefined, [], this.options);
    const options = resolvePathOptions(...layers);
    const limits = connectionLimits(options);
    this.refreshes.push(() => Object.assign(limits, connectionLimits(resolvePathOptions(...layers))));
    const where = 'a check of a request failed';
    const onError = (error: unknown): void => report(error, where, undefined, { kind: 'connection' });
    const admission = new TransportAdmission({
      clientAddress,
      connectionCounter,
      access,
      upgradeTimeout: () => limits.upgradeTimeout,
      check: combineApplicationChecks({ ...this.options, onError }),
      originChecks: () => this.originChecks(port),
      onForeignOrigin: oncePerOrigin((explanation) => warn('foreign origins', explanation)),
      isClosing: () => this.isClosing || this.areServersClosing(),
      onError,
    });
    this.admissions.push(admission);
    return {
      limits,
      webSocket: webSocketOptions(options),
      pingInterval: options.pingInterval,
      pingTimeout: options.pingTimeout,
      connectTimeout: options.connectTimeout,
      find: (path) => this.endpoints.find(port, path),
      identify: (request) => admission.identify(request),
      rateIdentityOf: (request) => admission.rateIdentityOf(request),
      checkOrigin: (request, clientInfo, done) => admission.checkOrigin(request, clientInfo, done),
      admit: (request, clientInfo, admitted) => admission.admit(request, clientInfo, admitted),
      release: (clientInfo) => admission.release(clientInfo),
      report,
      warn,
    };
  }

  /** Yields the rule of the adapter, then those of the gateways on the port. */
  private *originChecks(port: number): Iterable<OriginCheck> {
    const { ownHosts, applicationCors } = this.services;
    yield originCheckOf({ cors: () => this.options.cors ?? applicationCors(), ownHosts });
    for (const endpoint of this.endpoints)
      if (endpoint.mountPoint.port === port && endpoint.server._isUsed) yield endpoint.checkOrigin;
  }
}
