import { recoveryCases, startNode, type Node } from './cases.js';
import { recoveryEdgeCases } from './edge-cases.js';
import { recoveryRightsCases } from './rights-cases.js';
import { recoveryRoomsCases } from './rooms-cases.js';

describe('recovery on one node, in memory', () => {
  const start = async (): Promise<Node[]> => [
    await startNode({ recovery: { maxDisconnectionDuration: 60_000 } }),
  ];
  recoveryCases(start);
  describe('at a bad moment', () => {
    recoveryEdgeCases(start);
  });
  describe('of clients whose permissions have changed', () => {
    recoveryRightsCases(start);
  });
  describe('of clients whose rooms change while their connection is dead', () => {
    recoveryRoomsCases(start);
  });
});
