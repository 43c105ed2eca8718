import type { EnvelopeServer } from '../../../lib/index.js';
import { expectNoUnhandledErrors } from '../../support/unhandled-errors.js';
import { classic } from '../backends.js';
import { MixedCluster } from './mixed-cluster.js';

/** The requests between nodes of this package that a node of Socket.IO leaves unanswered. */
const REQUESTS = ['$presence:list', '$presence:has', '$presence:all', '$takeover'];

const backend = classic('redis');

/** What docs/migrating-from-socket.io.md says of the time with both kinds of nodes. */
backend.describe('what differs while a cluster has both kinds of nodes', () => {
  expectNoUnhandledErrors();
  const cluster = new MixedCluster(backend, 'bare');
  const ours = (): EnvelopeServer => cluster.node('ours').server() as unknown as EnvelopeServer;

  /** Makes a member of the room of a client of our node. */
  async function track(): Promise<void> {
    const { id } = await cluster.join('ours', ['room']);
    ours().presence.track(ours().sockets.get(id)!, 'ada', { tab: 1 });
  }

  it('presence waits for the other node in vain, and has only members of our nodes', async () => {
    await cluster.joinBoth(['room']);
    await track();
    const responses = [{ key: 'ada', metas: [{ tab: 1 }] }];
    await expect(ours().presence.list('room')).rejects.toMatchObject({ responses });
  });

  it('presence resolves when the other node answers that it has no members', async () => {
    const theirs = cluster.node('theirs').server();
    const answerNothing = (...args: unknown[]): void => (args.at(-1) as (list: unknown[]) => void)([]);
    for (const request of REQUESTS) theirs.on(request as never, answerNothing);
    await track();
    expect(await ours().presence.list('room')).toEqual([{ key: 'ada', metas: [{ tab: 1 }] }]);
    for (const request of REQUESTS) theirs.off(request as never, answerNothing);
  });

  it('the gateway of a RegExp namespace reaches the namespaces of nodes of its own kind', async () => {
    const path = '/room-1';
    const members = await cluster.joinBoth([], path);
    await cluster.know(path);
    cluster.node('theirs').rooms.emit('theirs', 1);
    cluster.node('ours').rooms.emit('ours', 2);
    const [theirs, bare] = await cluster.got('ours', members, path);
    expect(theirs).toEqual([['theirs', 1]]);
    await members[1].received('theirs');
    expect(bare).toContainEqual(['ours', 2]);
  });
});
