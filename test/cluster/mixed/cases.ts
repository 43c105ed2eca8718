import type { Backend } from '../../support/cluster/backend.js';
import { expectNoUnhandledErrors } from '../../support/unhandled-errors.js';
import { broadcasts } from './broadcasts.js';
import { MixedCluster, type Kind, type NodeName } from './mixed-cluster.js';
import { requests } from './requests.js';
import { sockets } from './sockets.js';

/** Both directions: the node that acts, and the other one. */
export const DIRECTIONS: readonly (readonly [from: NodeName, to: NodeName])[] = [
  ['theirs', 'ours'],
  ['ours', 'theirs'],
];

export type MixedCases = (cluster: MixedCluster, from: NodeName, to: NodeName) => void;

/** Runs all cases on a backend, with a node of Nest with `IoAdapter` and one of ours, both ways. */
export function mixedCluster(backend: Backend, kind: Kind): void {
  backend.describe(
    `a node of Nest with IoAdapter and one of ours with ${kind} clients, ${backend.name}`,
    () => {
      expectNoUnhandledErrors();
      const cluster = new MixedCluster(backend, kind);
      for (const [from, to] of DIRECTIONS)
        describe(`from ${from} to ${to}`, () => {
          // requests first: adapters keep a timer for as long as each may take, and the last must have expired at the end
          for (const cases of [requests, sockets, broadcasts]) cases(cluster, from, to);
        });
    },
  );
}
