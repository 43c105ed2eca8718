// Draws the rows of the page: what each server takes, with this package as 1.
import { median } from '../report.js';
import { figuresOf } from './measure.js';
import { ROWS } from './rows.js';

const COLORS = {
  ours: '#2f9e6e',
  raw: '#8a94a6',
  crossws: '#b48ead',
  WsAdapter: '#d98e4a',
  'Socket.IO': '#5b7fd6',
  'uWebSockets.js': '#c9b458',
};
const NAMES = {
  ours: 'nestjs-envelope',
  raw: 'hand-written ws',
  crossws: 'crossws',
  WsAdapter: 'Nest + WsAdapter',
  'Socket.IO': 'Nest + Socket.IO',
  'uWebSockets.js': 'uWebSockets.js',
};
const [LEFT, WIDTH, BAR, GAP, TOP, LEGEND] = [350, 960, 13, 14, 64, 150];
/** The ratio at which a bar is cut off. Its figure stands beside it. */
const MAX_RATIO = 8;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x, y, content, attributes = '') =>
  `<text x="${x}" y="${y}" ${attributes}>${escape(content)}</text>`;
const scale = (value) => ((WIDTH - LEFT - 60) * Math.min(value, MAX_RATIO)) / MAX_RATIO;

function drawBar(peer, ratio, y) {
  const width = scale(ratio);
  const figure = ratio > MAX_RATIO ? `${ratio.toFixed(1)} →` : ratio.toFixed(2);
  return [
    `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" rx="2" fill="${COLORS[peer]}"/>`,
    text((LEFT + width + 6).toFixed(1), y + 10, figure, 'class="figure"'),
  ];
}

/** Returns the picture as SVG. */
export function drawBench({ machine, versions, date, results }) {
  let y = TOP;
  const parts = [];
  for (const row of ROWS) {
    const { others } = figuresOf(row, results);
    parts.push(text(LEFT - 10, y + 11, row.title, 'text-anchor="end"'));
    const bars = others.map(({ name, ratios }) => [name, median(ratios.map((ratio) => 1 / ratio))]);
    for (const [peer, ratio] of [['ours', 1], ...bars]) {
      parts.push(...drawBar(peer, ratio, y));
      y += BAR;
    }
    y += GAP;
  }
  const legend = Object.entries(COLORS).map(([peer, color], i) => {
    const x = 20 + i * LEGEND;
    return `<rect x="${x}" y="36" width="11" height="11" rx="2" fill="${color}"/>${text(x + 17, 46, NAMES[peer])}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 40}" font-family="system-ui, sans-serif" font-size="12" fill="#1d2530">
<style>svg{color-scheme:light dark}.page{fill:#fff}.figure{font-size:10px;fill:#5a6472}.title{font-size:15px;font-weight:600}
@media(prefers-color-scheme:dark){svg{fill:#e6eaf0}.page{fill:#1b1f24}.figure{fill:#a3adbb}}</style>
<rect width="100%" height="100%" class="page"/>
${text(20, 24, 'Cost of a message, a connection, a response: nestjs-envelope is 1, lower is better', 'class="title"')}
${legend.join('\n')}
${parts.join('\n')}
${text(20, y + 14, `npm run bench:page, ${date}, ${machine}`, 'class="figure"')}
${text(20, y + 28, versions, 'class="figure"')}
</svg>
`;
}
