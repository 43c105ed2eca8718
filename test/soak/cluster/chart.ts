import { KINDS, type Incident, type Sample } from './figures.js';

const [WIDTH, HEIGHT, LEFT, PLOT_WIDTH, PLOT_HEIGHT] = [960, 190, 70, 860, 120];
const TOP = 86;
const COLORS = ['#2f9e6e', '#5b7fd6', '#d98e4a', '#b05fb5'];

interface Curve {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
}

interface Panel {
  readonly title: string;
  readonly curves: readonly Curve[];
}

/** Draws the run: one panel for each kind of figure, and a line for each incident. */
export function drawSoak(
  heading: string,
  samples: readonly Sample[],
  incidents: readonly Incident[],
): string {
  const of = (name: string, read: (sample: Sample) => number | undefined): Curve => ({
    name,
    values: samples.map(read),
  });
  const panels: Panel[] = [
    {
      title: 'Memory of the first node after garbage collection, MB',
      curves: [of('heap', ({ node }) => node.heap), of('buffers', ({ node }) => node.external)],
    },
    { title: 'Memory of its process, MB', curves: [of('resident', ({ node }) => node.rss)] },
    {
      title: 'Clients',
      curves: [of('all nodes', ({ connected }) => connected), of('first node', ({ node }) => node.clients)],
    },
    {
      title: 'Handles and listeners of the first node',
      curves: [of('handles', ({ node }) => node.handles), of('listeners', ({ node }) => node.listeners)],
    },
    {
      title: 'Time to an answer, ms, median',
      curves: KINDS.map((kind) => of(kind, ({ latency }) => latency[kind]?.[0])),
    },
    {
      title: 'Time to an answer, ms, 99th percentile',
      curves: KINDS.map((kind) => of(kind, ({ latency }) => latency[kind]?.[1])),
    },
    { title: 'Delay of its event loop, ms, 99th percentile', curves: [of('delay', ({ node }) => node.lag)] },
  ];
  const end = samples.at(-1)?.at ?? 1;
  const x = (at: number): number => LEFT + (at / end) * PLOT_WIDTH;
  const height = TOP + panels.length * HEIGHT + 20;
  const marks = incidents.map(({ at, what }) => {
    const path = `<path d="M${x(at).toFixed(1)} ${TOP - 8}V${height - 24}" class="incident"><title>${what}</title></path>`;
    return path + text(x(at) + 2, TOP - 10, what.slice(0, 1), 'class="figure"');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#1d2530">
<style>svg{color-scheme:light dark}.page{fill:#fff}.figure{font-size:10px;fill:#5a6472}.title{font-size:15px;font-weight:600}.panel{font-weight:600}.grid{stroke:#e3e7ee}.incident{stroke:#c9a0a0;stroke-dasharray:2 3}
@media(prefers-color-scheme:dark){svg{fill:#e6eaf0}.page{fill:#1b1f24}.figure{fill:#a3adbb}.grid{stroke:#343c48}.incident{stroke:#8a6060}}</style>
<rect width="100%" height="100%" class="page"/>
${text(20, 24, 'A cluster for a long time: clients of all kinds, broker restarts, nodes that end', 'class="title"')}
${text(20, 42, heading, 'class="figure"')}
${text(20, 56, 'k: a node is killed; e: a node ends, as in a deploy; r: the broker restarts; s: the broker is suspended', 'class="figure"')}
${marks.join('\n')}
${panels.map((panel, index) => drawPanel(panel, TOP + index * HEIGHT, samples, x)).join('\n')}
</svg>
`;
}

function drawPanel(
  { title, curves }: Panel,
  top: number,
  samples: readonly Sample[],
  x: (at: number) => number,
): string {
  const bottom = top + 30 + PLOT_HEIGHT;
  const known = curves.flatMap(({ values }) => values).filter((value) => value !== undefined);
  const max = Math.max(1, ...known) * 1.08;
  const y = (value: number): number => bottom - (value / max) * PLOT_HEIGHT;
  const grid = [0, 0.5, 1]
    .map((part) => part * max)
    .flatMap((tick) => [
      `<path d="M${LEFT} ${y(tick).toFixed(1)}h${PLOT_WIDTH}" class="grid"/>`,
      text(LEFT - 6, y(tick) + 3, String(Number(tick.toPrecision(3))), 'class="figure" text-anchor="end"'),
    ]);
  const times = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = part * (samples.at(-1)?.at ?? 1);
    return text(x(at), bottom + 14, `${Math.round(at)} s`, 'class="figure" text-anchor="middle"');
  });
  const lines = curves.flatMap(({ name, values }, index) => {
    const color = COLORS[index]!;
    const points = values.flatMap((value, row) =>
      value === undefined ? [] : [`${x(samples[row]!.at).toFixed(1)} ${y(value).toFixed(1)}`],
    );
    const start = LEFT + 400 + index * 110;
    return [
      points.length > 1
        ? `<path d="M${points.join('L')}" fill="none" stroke="${color}" stroke-width="1.5"/>`
        : '',
      `<rect x="${start}" y="${top + 8}" width="9" height="9" rx="2" fill="${color}"/>`,
      text(start + 13, top + 16, name, 'class="figure"'),
    ];
  });
  return [text(LEFT, top + 16, title, 'class="panel"'), ...grid, ...times, ...lines].join('\n');
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`;
}
