// Figures of many rounds as tables.
export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
};

const show = (value) =>
  value >= 1000
    ? Math.round(value).toLocaleString('en')
    : value >= 100
      ? value.toFixed(0)
      : value.toPrecision(3);

const line = (cells) => `| ${cells.join(' | ')} |`;

export function table(head, rows = []) {
  const top = head === undefined ? [] : [line(head), line(head.map(() => '---'))];
  return [...top, ...rows.map(line)].join('\n');
}

/** The medians of the ratios of paired figures, with how far they spread; beside them what each side came to. */
export function ratioRows(name, rounds, ratios) {
  return ratios.flatMap(([one, other]) =>
    Object.keys(rounds[0][one].figures).map((label) => {
      const pairs = rounds.map((round) => [round[one].figures[label], round[other].figures[label]]);
      const quotients = pairs.map(([a, b]) => a / b);
      const spread = `${show(Math.min(...quotients))} .. ${show(Math.max(...quotients))}`;
      const sides = [0, 1].map((side) => show(median(pairs.map((pair) => pair[side]))));
      return [name, label, `${one} / ${other}`, show(median(quotients)), spread, ...sides];
    }),
  );
}

/** Which process was busy, in percent of a core, and what a broadcast came to in Redis. */
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

export const RATIO_HEAD = ['workload', 'figure', 'ratio of', 'median', 'spread', 'the one', 'the other'];
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
