import type { Backend } from '../../support/cluster/backend.js';
import { Cluster } from '../../support/cluster/cluster.js';
import { expectNoUnhandledErrors } from '../../support/unhandled-errors.js';
import { acks, acksAcross } from './acks.js';
import { emitter } from './emitter.js';
import { emits, emitsAcross } from './emits.js';
import { fetchSockets, fetchSocketsAcross } from './fetch.js';
import { closingNode } from './disconnect.js';
import { namespaces } from './namespaces.js';
import { observers } from './observers.js';
import { payloads } from './payloads.js';
import { remote } from './remote.js';
import { serverSide } from './server-side.js';

const EVERYWHERE = [emits, payloads, namespaces, fetchSockets, remote, acks];
/** Only with more than one node. */
const ACROSS = [emitsAcross, fetchSocketsAcross, acksAcross, serverSide];

/** Runs all cases on a backend, with real brokers, complete applications and plain WebSocket clients. */
export function conformance(backend: Backend): void {
  backend.describe(`three nodes, ${backend.name}`, () => {
    expectNoUnhandledErrors();
    const cluster = new Cluster(backend);
    for (const cases of EVERYWHERE) cases(cluster, backend);
    // where nodes are other processes, a subscriber here could not be called
    if (backend.link !== undefined) observers(cluster, backend);
    if (backend.isSingleNode === true) return;
    for (const cases of ACROSS) cases(cluster, backend);
    if (backend.emitter !== undefined) emitter(cluster, backend);
    closingNode(cluster, backend);
  });
}
