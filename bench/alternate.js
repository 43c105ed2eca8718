// Compares servers that run side by side and take turns: see turns.js.
//
// node bench/alternate.js [options]
//   --only broadcast     one of the workloads of turns.js
//   --peers floor,ours   the first one is what the others are compared with
//   --rounds 20          turns of each
//   --against <git ref>  compare this tree with that commit, too
import { parseArgs } from 'node:util';
import { buildOf } from './against.js';
import { otherBuild, PEERS } from './peers.js';
import { median, middleHalf, quotients, show, table } from './report.js';
import { LABEL, takeTurns, TURNS } from './turns.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'broadcast' },
    peers: { type: 'string', default: 'floor,ours,raw' },
    rounds: { type: 'string', default: '20' },
    against: { type: 'string' },
  },
});
if (TURNS[values.only] === undefined)
  throw new Error(`--only: unknown ${values.only}. Workloads: ${Object.keys(TURNS).join(', ')}`);
const names = values.peers.split(',');
const unknown = names.filter((name) => PEERS[name] === undefined);
if (unknown.length > 0)
  throw new Error(`--peers: unknown ${unknown.join(', ')}. Known peers: ${Object.keys(PEERS).join(', ')}`);
const peers = Object.fromEntries(names.map((name) => [name, PEERS[name]]));
if (values.against !== undefined) peers[values.against] = otherBuild(buildOf(values.against));

const [reference] = names;
const rounds = await takeTurns(values.only, peers, Number(values.rounds));
const rows = Object.keys(peers).map((name) => {
  const ratios = quotients(rounds, name, reference, LABEL);
  const [low, high] = middleHalf(ratios);
  const each = median(rounds.map((round) => round[name].figures[LABEL]));
  return [name, show(each), show(median(ratios)), `${show(low)} .. ${show(high)}`];
});
console.log(table([values.only, LABEL, `of ${reference}`, 'middle half'], rows));
