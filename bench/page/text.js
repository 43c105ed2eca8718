// Writes the measured part of docs/performance.md.
import { median, middleHalf, show, table } from '../report.js';
import { figuresOf } from './measure.js';
import { commandOf, LEAST, NAMES, ROWS } from './rows.js';

const BEGIN = '<!-- Measured: `npm run bench:page` writes what follows, up to the end mark. -->';
const END = '<!-- The end of what is measured. -->';

const ratio = (ratios) => {
  const [low, high] = middleHalf(ratios);
  return `${show(median(ratios))} (${show(low)} to ${show(high)})`;
};

/** Whether a peer is ahead, beyond the middle half of the rounds. */
const isAhead = ({ ratios }) => middleHalf(ratios)[0] > 1;
const isLevel = ({ ratios }) => {
  const [low, high] = middleHalf(ratios);
  return low <= 1 && high >= 1;
};

const unitOf = ({ figure = 'µs' }) => /µs|kB|ms/.exec(figure)[0];

const lower = (text) => text[0].toLowerCase() + text.slice(1);

/** Says for each peer in which rows it takes less than this package. */
function ahead(rows) {
  const names = [...new Set(rows.flatMap(({ others }) => others.map(({ name }) => name)))];
  return names.flatMap((name) => {
    const found = (test) =>
      rows
        .map(({ row, others }) => [row, others.find((other) => other.name === name)])
        .filter(([, other]) => other !== undefined && test(other));
    const better = found(isAhead).map(
      ([row, other]) => `${lower(row.title)} (${show(median(other.ratios))})`,
    );
    const equal = found(isLevel).map(([row]) => lower(row.title));
    const parts = [
      ...(better.length > 0 ? [`is ahead in ${better.join('; ')}`] : ['is ahead in no row']),
      ...(equal.length > 0 ? [`cannot be told from this package in ${equal.join('; ')}`] : []),
    ];
    return [`- ${NAMES[name]} ${parts.join('. It ')}.`];
  });
}

/** Returns the measured part, without the marks. */
export function measuredText({ machine, versions, date, absent, results }) {
  const rows = ROWS.map((row) => ({ row, ...figuresOf(row, results) }));
  const columns = [...new Set(rows.flatMap(({ others }) => others.map(({ name }) => name)))];
  const main = table(
    ['', 'this package', ...columns.map((name) => `of ${NAMES[name]}`), 'rounds'],
    rows.map(({ row, ours, others, rounds }) => [
      row.title,
      `${show(median(ours))} ${unitOf(row)}`,
      ...columns.map((name) => {
        const other = others.find((each) => each.name === name);
        return other === undefined ? '' : ratio(other.ratios);
      }),
      rounds,
    ]),
  );
  const least = LEAST.map((row) => ({ row, ...figuresOf(row, results) })).flatMap(({ row, others }) =>
    others.map(({ name, ratios }) => [row.title, NAMES[name], ratio(ratios)]),
  );
  const commands = [...new Map([...ROWS, ...LEAST].map((row) => [commandOf(row), row])).entries()];
  return [
    `Measured on ${date}: ${machine}; ${versions}. One command measures all of it, in under half an hour:`,
    '```sh\nnpm run bench:page\n```',
    'Each cell is what this package takes as a share of what the other takes: the median of the paired ratios, and their middle half. ' +
      'Below 1 is less. The first column is the cost itself: server CPU per message, delivery, pair or connection; memory; time. ' +
      'uWebSockets.js keeps its connections outside the heap.',
    ...(absent.length === 0 ? [] : [`Not installed, and so not measured: ${absent.join(', ')}.`]),
    main,
    '### Where others are ahead',
    ahead(rows).join('\n'),
    '### Beside less than a server',
    'The least that Node can do is to write prebuilt bytes to each TCP socket. The barest `ws` server has one listener, answers messages, ' +
      'keeps no list of its clients, and ends with an error of one of them.',
    table(['', 'compared with', 'share'], least),
    '### One row alone',
    commands.map(([command, { title }]) => `- ${title}: \`${command}\``).join('\n'),
  ].join('\n\n');
}

/** Returns a page with its measured part replaced. @throws Error if the page has no marks */
export function replaceMeasured(page, text) {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new Error(`docs/performance.md: the marks are missing: ${BEGIN} ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${page.slice(end)}`;
}
