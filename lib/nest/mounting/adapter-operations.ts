import type { AdapterServices } from './adapter-services.js';
import { logAudit } from '../logging/audit-log.js';
import type { MountedServers } from './mounted-servers.js';
import type { OperationsHost } from '../operations/operations-host.js';
import { writtenLimits } from '../operations/runtime-limits.js';
import type { LimitChanges, Limits, PathLimits } from '../options/limits.js';
import { resolvePathOptions, type EnvelopeOptions } from '../options/options.js';
import { isFromThisMachine } from './own-path.js';
import type { Audited } from '../../server/diagnostics/audit.js';
import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { AccessControl } from '../../server/upgrade/access-control.js';

/** What operators can do with one adapter and the servers that it has mounted. */
export class AdapterOperations implements OperationsHost {
  constructor(
    private readonly options: EnvelopeOptions,
    private readonly services: AdapterServices,
    private readonly mounted: MountedServers,
  ) {}

  get access(): AccessControl {
    return this.services.access;
  }

  topServers(): EnvelopeServer[] {
    return this.mounted.topServers();
  }

  clients(): EnvelopeSocket[] {
    return clientsOf(this.mounted.servers());
  }

  blockableClients(): EnvelopeSocket[] {
    const own = clientsOf(this.mounted.ownServers);
    return [...this.clients(), ...own.filter((client) => !isFromThisMachine(client))];
  }

  limitsOf(path: string | undefined): Required<Limits> | Required<PathLimits> {
    const { limits } = this.services;
    if (path !== undefined)
      return writtenLimits(this.mounted.endpointOf(path).limits) as Required<PathLimits>;
    const ofPaths = resolvePathOptions(...limits.layers(undefined, [], this.options)).limits;
    return writtenLimits({ ...ofPaths, ...limits.shared }) as Required<Limits>;
  }

  setLimits(changes: LimitChanges, path: string | undefined): void {
    const name = path === undefined ? undefined : this.mounted.endpointOf(path).server.name;
    this.services.limits.set(changes, name);
    this.mounted.refreshLimits();
  }

  audit(done: Audited): void {
    logAudit(this.services.logger, done);
  }
}

function clientsOf(servers: Iterable<EnvelopeServer>): EnvelopeSocket[] {
  return [...servers].flatMap((server) => [...server._connecting, ...server.sockets.values()]);
}
