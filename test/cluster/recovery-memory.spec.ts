import { recoveryCases, startNode } from './recovery-cases.js';

describe('recovery on one node, in memory', () => {
  recoveryCases(async () => [await startNode({ recovery: { maxDisconnectionDuration: 60_000 } })]);
});
