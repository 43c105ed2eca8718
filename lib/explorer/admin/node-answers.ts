import type { KnownOperations } from '../../nest/gateways/find-adapter.js';
import { ACTIONS } from './actions.js';
import { fail } from './admin-failure.js';
import type { AuditTrail } from './audit-trail.js';
import { listBlocks, readBlockQuery } from './block-list.js';
import { fieldsOf, requiredText, textOf } from './checked-values.js';
import { listConnections, readAddress, readConnectionQuery, viewDetails } from './connection-list.js';
import type { ConnectionRates } from './connection-rates.js';
import type { FrameRecorders } from './frame-recorders.js';
import { findSocket, type NodeServers } from './node-servers.js';
import type { NodeMeter } from './node-summary.js';
import type { RefusalCounts } from './refusal-counts.js';
import { listRefusals, readRefusalQuery, refusalsOf } from './refusal-list.js';
import { listRooms, readRoomQuery, sizesOf } from './room-list.js';

/** Rooms whose sizes are asked for at once. */
export const MAX_SIZES = 400;

/** What the answers of a node are made of. */
export interface NodeParts {
  readonly node: { readonly id: string; readonly name: string };
  readonly servers: NodeServers;
  readonly operations: KnownOperations;
  readonly meter: NodeMeter;
  readonly recorders: FrameRecorders;
  readonly trail: AuditTrail;
  readonly refusals: RefusalCounts;
  readonly rates: ConnectionRates;
  readonly readOnly: boolean;
}

type Operation = (data: unknown) => unknown;

/**
 * Returns what this node answers, by operation: to its own console and to those of other nodes. Each operation checks what it is
 * given, since any client of the broker can ask.
 */
export function nodeAnswers(parts: NodeParts): Readonly<Record<string, Operation>> {
  const { node, servers, operations, meter, recorders, trail, refusals, rates, readOnly } = parts;
  return {
    summary: () => meter.summarise(),
    connections: (data) => listConnections(servers, node.id, readConnectionQuery(data), rates),
    details(data) {
      const { id } = readAddress(data);
      const socket = findSocket(servers, id) ?? fail('not_found', 'The node has no connection with this id');
      return viewDetails(socket, node.id, node.name);
    },
    rooms: (data) => listRooms(servers, readRoomQuery(data)),
    roomSizes(data) {
      const fields = fieldsOf(data);
      const names: unknown = fields['names'];
      const list = Array.isArray(names) ? names.slice(0, MAX_SIZES) : [];
      return sizesOf(servers, requiredText(fields, 'namespace', 1_000), list);
    },
    blocks: (data) => listBlocks(operations._blocks, readBlockQuery(data)),
    refusals: (data) => listRefusals(refusals, readRefusalQuery(data)),
    refusalsOf: (data) => refusalsOf(refusals, data),
    frames: (data) => recorders.read(data),
    audit: () => ({ entries: trail.latest }),
    async act(data) {
      if (readOnly) fail('read_only', `${node.name} is read-only: set admin.readOnly to false there`);
      const { event, data: request, by } = fieldsOf(data);
      const kind = typeof event === 'string' && Object.hasOwn(ACTIONS, event) ? ACTIONS[event] : undefined;
      if (kind === undefined) fail('invalid', 'No such action');
      // a node of an earlier version does not say who acts
      const acting = { servers, operations, by: textOf(by, 256) || undefined };
      return (await kind.run(acting, request)) ?? {};
    },
  };
}
