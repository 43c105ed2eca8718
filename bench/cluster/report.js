// The tables of the cluster bench other than the ratios.
import { median, show } from '../report.js';

/** How busy each process was, in percent of a core, and what one broadcast cost in Redis. */
export function shareRows(name, rounds) {
  return Object.keys(rounds[0]).map((variant) => {
    const results = rounds.map((round) => round[variant]);
    const shares = ['a', 'b', 'redis', 'load'].map((part) =>
      (100 * median(results.map((result) => result.shares[part]))).toFixed(0),
    );
    const asides = [
      'broadcasts per second',
      'Redis: CPU µs per broadcast',
      'Redis: bytes in per broadcast',
      'Redis: bytes out per broadcast',
    ].map((label) => {
      const values = results.map((result) => result.asides[label]).filter((value) => value !== undefined);
      return values.length === 0 ? '' : show(median(values));
    });
    return [name, variant, ...shares, ...asides];
  });
}

export const SHARE_HEAD = [
  ...['workload', 'side', 'node A %', 'node B %', 'Redis %', 'load %', 'broadcasts/s'],
  ...['Redis µs/broadcast', 'bytes in', 'bytes out'],
];

export function capacityRow(name, results) {
  const of = (name) => median(results.map((result) => result[name]));
  const busy = ['busy', 'loadBusy'].map((name) => (100 * of(name)).toFixed(0));
  return [...name, ...['perSecond', 'cpu', 'received', 'sent'].map((name) => show(of(name))), ...busy];
}
export const CAPACITY_HEAD = [
  ...['Redis alone', 'nodes', 'at once', 'broadcasts/s', 'CPU µs/broadcast', 'bytes in', 'bytes out'],
  ...['Redis %', 'load %'],
];
