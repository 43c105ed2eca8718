import type { Backend } from '../../support/cluster/backend.js';
import { Cluster } from '../../support/cluster/cluster.js';
import { expectNoUnhandledErrors } from '../../support/unhandled-errors.js';
import { acks, acksAcross } from './acks.js';
import { emitter } from './emitter.js';
import { emits, emitsAcross } from './emits.js';
import { fetching, fetchingAcross } from './fetch.js';
import { leaving } from './disconnect.js';
import { namespaces } from './namespaces.js';
import { payloads } from './payloads.js';
import { remote } from './remote.js';
import { serverSide } from './server-side.js';

const EVERYWHERE = [emits, payloads, namespaces, fetching, remote, acks];
/** Where there is more than one node. */
const ACROSS = [emitsAcross, fetchingAcross, acksAcross, serverSide];

/** What every backend owes: real brokers, whole applications, bare WebSocket clients. */
export function conformance(backend: Backend): void {
  backend.describe(`three nodes, ${backend.name}`, () => {
    expectNoUnhandledErrors();
    const cluster = new Cluster(backend);
    for (const cases of EVERYWHERE) cases(cluster, backend);
    if (backend.alone === true) return;
    for (const cases of ACROSS) cases(cluster, backend);
    if (backend.emitter !== undefined) emitter(cluster, backend);
    leaving(cluster, backend);
  });
}
