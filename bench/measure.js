// Measures workloads of workloads.js: in each round all peers in turn, each in new processes.

/**
 * Measures one round of a workload.
 *
 * @param peers the servers by name
 * @param isReversed whether the last peer goes first: each second round, so that no peer always goes first
 * @returns the figures of each peer, by name
 */
export async function measureRound(workload, peers, { share = 1, flags = [], isReversed = false } = {}) {
  const order = Object.entries(peers);
  const figures = {};
  for (const [name, peer] of isReversed ? order.toReversed() : order) {
    process.stderr.write(`${workload.name}: ${name}                                   \r`);
    figures[name] = await workload.run(peer, share, flags);
  }
  return figures;
}

/** Measures several rounds. */
export async function measureRounds(workload, peers, { rounds, share, flags }) {
  const all = [];
  for (let round = 0; round < rounds; round++)
    all.push(await measureRound(workload, peers, { share, flags, isReversed: round % 2 === 1 }));
  return all;
}
