import type { Audited } from '../../server/diagnostics/audit.js';
import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { AccessControl } from '../../server/upgrade/access-control.js';
import type { LimitChanges, Limits, PathLimits } from '../options/limits.js';

/** What operations need of an adapter. */
export interface OperationsHost {
  readonly access: AccessControl;
  /** Returns the servers of all paths, without the children of RegExp namespaces. */
  topServers(): readonly EnvelopeServer[];
  /** Returns all clients of this node, those included that are not admitted yet. */
  clients(): EnvelopeSocket[];
  /** Returns the clients of this node that a block disconnects: also those of this package's own paths. */
  blockableClients(): EnvelopeSocket[];
  /** Returns the limits of a path, or of the adapter, as they are now. @throws TypeError on an unknown path */
  limitsOf(path: string | undefined): Required<Limits> | Required<PathLimits>;
  /** Changes limits. @throws what `RuntimeLimits.set` throws, and TypeError on an unknown path */
  setLimits(changes: LimitChanges, path: string | undefined): void;
  /** Logs and publishes what an operator did. */
  audit(done: Audited): void;
}
