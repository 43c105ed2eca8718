// Figures of many rounds as tables.
export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
};

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

/** Of paired figures: same round, same label. */
export const quotients = (rounds, one, other, label) =>
  rounds.map((round) => round[one].figures[label] / round[other].figures[label]);

/** The medians of the ratios of paired figures, with how far they spread; beside them what each side came to. */
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

/** What is no ratio: rates, and which side was busy. */
export function asideRows(name, rounds) {
  return Object.keys(rounds[0]).map((peer) => {
    const texts = Object.keys(rounds[0][peer].asides).map(
      (label) => `${label}: ${show(median(rounds.map((round) => round[peer].asides[label])))}`,
    );
    return [name, peer, texts.join(', ')];
  });
}

/** All of a run at a glance: what ours costs as a share of what each peer does, by the first figure of each workload. */
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
