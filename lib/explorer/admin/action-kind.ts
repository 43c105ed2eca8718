import type { KnownOperations } from '../../nest/gateways/find-adapter.js';
import type { AuditAction, Audited } from '../../server/diagnostics/audit.js';
import type { NodeServers } from './node-servers.js';

/** An action of an admin, checked: what the audit log says about it, and on which node it runs. */
export interface Action {
  readonly audit: Audited;
  /** `undefined`: on the node of the console. */
  readonly node: string | undefined;
  /** What the admin is told after it. */
  readonly text: string;
}

/** The actions: how a request is read, and how it is done on the node that it names. */
export interface ActionKind {
  /** The name in the audit log. */
  readonly action: AuditAction;
  /** Describes a request. @throws WsException on an unknown or malformed field */
  describe(data: unknown): Omit<Action, 'audit'> & { readonly audit: Omit<Audited, 'action'> };
  /**
   * Does it, on this node. The request is checked again: it may be another node's.
   *
   * @returns what the audit log says besides
   */
  run(node: ActingNode, data: unknown): Concerned | Promise<Concerned> | void;
}

/** The node that runs an action. */
export interface ActingNode {
  readonly servers: NodeServers;
  readonly operations: KnownOperations;
  /** Who acts, as the node of the console says. */
  readonly by: string | undefined;
}

/** Whom an action concerned. */
export interface Concerned {
  readonly path: string;
  readonly user: string | undefined;
}
