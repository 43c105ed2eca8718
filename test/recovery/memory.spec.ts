import { recoveryCases, startNode, type Node } from './cases.js';
import { recoveryEdges } from './edge-cases.js';
import { recoveryRights } from './rights-cases.js';
import { recoveryRooms } from './rooms-cases.js';

describe('recovery on one node, in memory', () => {
  const start = async (): Promise<Node[]> => [
    await startNode({ recovery: { maxDisconnectionDuration: 60_000 } }),
  ];
  recoveryCases(start);
  describe('at a bad moment', () => {
    recoveryEdges(start);
  });
  describe('of clients whose rights have changed', () => {
    recoveryRights(start);
  });
  describe('of clients whose rooms change behind a dead connection', () => {
    recoveryRooms(start);
  });
});
