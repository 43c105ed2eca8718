// Draws the curves of bench/growth.js: one panel for each, in two columns.
const COLORS = ['#2f9e6e', '#5b7fd6', '#d98e4a', '#8a94a6'];
const NAMED = { 'hand-written ws': '#8a94a6', Express: '#2f9e6e', Fastify: '#5b7fd6', TLS: '#d98e4a' };
const [WIDTH, COLUMNS, HEIGHT, TOP] = [960, 2, 236, 64];
/** Pixels between the names of two series. */
const LEGEND = 106;
const PLOT = { left: 66, top: 46, width: 380, height: 130 };

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x, y, content, attributes = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escape(content)}</text>`;
const short = (value) =>
  value >= 1e6 ? `${value / 1e6} M` : value >= 1_000 ? `${value / 1_000} k` : String(value);
const figure = (value) => String(Number(value.toPrecision(2)));

/** Returns a function from a value to its place, and the values that the axis names. */
function axis(values, scale) {
  const top = Math.max(...values) * 1.08;
  if (scale !== 'log')
    return { place: (value) => value / top, ticks: [0, 0.25, 0.5, 0.75, 1].map((part) => part * top) };
  const [low, high] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(top))];
  return {
    place: (value) => (Math.log10(value) - low) / (high - low),
    ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
  };
}

function drawPanel({ title, unit, label, scale, growsBy, at, curves }, index) {
  const left = (index % COLUMNS) * (WIDTH / COLUMNS) + PLOT.left;
  const top = TOP + Math.floor(index / COLUMNS) * HEIGHT + PLOT.top;
  const bottom = top + PLOT.height;
  const [first, last] = [Math.log10(at[0]), Math.log10(at.at(-1))];
  const x = (value) => left + ((Math.log10(value) - first) / (last - first)) * PLOT.width;
  const { place, ticks } = axis(Object.values(curves).flat(), scale);
  const y = (value) => bottom - place(value) * PLOT.height;
  const parts = [text(left, top - 26, `${title}, ${unit}`, 'class="panel"')];
  for (const tick of ticks)
    parts.push(
      `<path d="M${left} ${y(tick).toFixed(1)}h${PLOT.width}" class="grid"/>`,
      text(left - 6, y(tick) + 3, figure(tick), 'class="figure" text-anchor="end"'),
    );
  for (const value of at)
    parts.push(text(x(value), bottom + 14, short(value), 'class="figure" text-anchor="middle"'));
  const below = growsBy === undefined ? label : `${label} (${growsBy})`;
  parts.push(text(left + PLOT.width / 2, bottom + 28, below, 'class="figure" text-anchor="middle"'));
  Object.entries(curves).forEach(([name, points], i) => {
    const color = NAMED[name] ?? COLORS[i];
    const path = points.map((value, j) => `${x(at[j]).toFixed(1)} ${y(value).toFixed(1)}`).join('L');
    const start = left + i * (Object.keys(curves).length === 2 ? 2 * LEGEND : LEGEND);
    parts.push(
      `<path d="M${path}" fill="none" stroke="${color}" stroke-width="2"/>`,
      ...points.map(
        (value, j) =>
          `<circle cx="${x(at[j]).toFixed(1)}" cy="${y(value).toFixed(1)}" r="2.5" fill="${color}"/>`,
      ),
      `<rect x="${start.toFixed(1)}" y="${top - 18}" width="9" height="9" rx="2" fill="${color}"/>`,
      text(start + 13, top - 10, name, 'class="figure"'),
    );
  });
  return parts.join('\n');
}

/** Returns the picture as SVG. */
export function drawGrowth({ heading, panels }) {
  const height = TOP + Math.ceil(panels.length / COLUMNS) * HEIGHT + 20;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#1d2530">
<style>svg{color-scheme:light dark}.page{fill:#fff}.figure{font-size:10px;fill:#5a6472}.title{font-size:15px;font-weight:600}.panel{font-weight:600}.grid{stroke:#e3e7ee}
@media(prefers-color-scheme:dark){svg{fill:#e6eaf0}.page{fill:#1b1f24}.figure{fill:#a3adbb}.grid{stroke:#343c48}}</style>
<rect width="100%" height="100%" class="page"/>
${text(20, 24, 'How the server\u2019s CPU time grows: a flat curve costs the same for each, however many there are', 'class="title"')}
${text(20, 44, heading, 'class="figure"')}
${panels.map(drawPanel).join('\n')}
</svg>
`;
}
