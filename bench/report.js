// Formats the figures of many rounds as tables.
export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
};

/** Returns the quarter points: half of the values lie between them. */
export function middleHalf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const last = sorted.length - 1;
  return [sorted[Math.floor(last * 0.25)], sorted[Math.ceil(last * 0.75)]];
}

export const show = (value) =>
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

/** Returns the ratios of paired figures: same round, same label. */
export const quotients = (rounds, one, other, label) =>
  rounds.map((round) => round[one].figures[label] / round[other].figures[label]);

/** Returns, for each figure, the median and the spread of the paired ratios, and the median of each side. */
export function ratioRows(name, rounds, ratios) {
  return ratios.flatMap(([one, other]) =>
    Object.keys(rounds[0][one].figures).map((label) => {
      const pairs = rounds.map((round) => [round[one].figures[label], round[other].figures[label]]);
      const paired = quotients(rounds, one, other, label);
      const spread = `${show(Math.min(...paired))} .. ${show(Math.max(...paired))}`;
      const sides = [0, 1].map((side) => show(median(pairs.map((pair) => pair[side]))));
      return [name, label, `${one} / ${other}`, show(median(paired)), spread, ...sides];
    }),
  );
}
export const RATIO_HEAD = ['workload', 'figure', 'ratio of', 'median', 'spread', 'the one', 'the other'];

/** Returns the figures that are not compared: rates, and how busy each side was. */
export function asideRows(name, rounds) {
  return Object.keys(rounds[0]).map((peer) => {
    const texts = Object.keys(rounds[0][peer].asides).map(
      (label) => `${label}: ${show(median(rounds.map((round) => round[peer].asides[label])))}`,
    );
    return [name, peer, texts.join(', ')];
  });
}

/**
 * Returns one table for the whole run: the cost of this package divided by that of each peer, by each workload's first
 * figure.
 */
export function overview(results) {
  const peers = [...new Set(Object.values(results).flatMap(([round]) => Object.keys(round)))].filter(
    (peer) => peer !== 'ours',
  );
  const rows = Object.entries(results).map(([name, rounds]) => {
    const [label] = Object.keys(rounds[0].ours.figures);
    const cells = peers.map((peer) =>
      rounds[0][peer] === undefined ? '' : show(median(quotients(rounds, 'ours', peer, label))),
    );
    return [name, label, ...cells];
  });
  return table(['workload', 'figure', ...peers.map((peer) => `ours / ${peer}`)], rows);
}
