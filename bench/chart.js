// Draws the results of a run: node bench/run.js --json run.json && node bench/chart.js run.json > docs/bench.svg
import { readFileSync } from 'node:fs';
import { median, quotients } from './report.js';

const { heading, results } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const PEERS = { raw: '#8a94a6', WsAdapter: '#d98e4a', 'Socket.IO': '#5b7fd6', 'uWebSockets.js': '#c9b458' };
const NAMES = {
  raw: 'hand-written ws',
  WsAdapter: 'Nest + WsAdapter',
  'Socket.IO': 'Nest + Socket.IO',
  'uWebSockets.js': 'uWebSockets.js',
};
const OURS = '#2f9e6e';
const [LEFT, WIDTH, BAR, GAP, TOP] = [400, 960, 13, 14, 64];
/** The ratio at which a bar is cut off. Its figure stands beside it. */
const MAX_RATIO = 16;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x, y, content, attributes = '') =>
  `<text x="${x}" y="${y}" ${attributes}>${escape(content)}</text>`;
const scale = (value) => ((WIDTH - LEFT - 60) * Math.min(value, MAX_RATIO)) / MAX_RATIO;

let y = TOP;
const parts = [];
for (const [name, rounds] of Object.entries(results)) {
  const peers = Object.keys(PEERS).filter((peer) => rounds[0][peer] !== undefined);
  const [label] = Object.keys(rounds[0].ours.figures);
  if (peers.length === 0) continue;
  parts.push(text(LEFT - 10, y + 11, name, 'text-anchor="end"'));
  for (const peer of ['ours', ...peers]) {
    const ratio = median(quotients(rounds, peer, 'ours', label));
    const width = scale(ratio);
    parts.push(
      `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" rx="2" fill="${PEERS[peer] ?? OURS}"/>`,
      text(
        LEFT + width + 6,
        y + 10,
        ratio > MAX_RATIO ? `${ratio.toFixed(1)} →` : ratio.toFixed(2),
        'class="figure"',
      ),
    );
    y += BAR;
  }
  y += GAP;
}

const legend = Object.entries({ ours: OURS, ...PEERS }).map(([peer, color], i) => {
  const x = 20 + i * 165;
  return `<rect x="${x}" y="36" width="11" height="11" rx="2" fill="${color}"/>${text(x + 17, 46, NAMES[peer] ?? 'nestjs-envelope')}`;
});
console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 24}" font-family="system-ui, sans-serif" font-size="12" fill="#1d2530">
<style>.figure{font-size:10px;fill:#5a6472}.title{font-size:15px;font-weight:600}</style>
<rect width="100%" height="100%" fill="#fff"/>
${text(20, 24, 'Cost of a message, a connection, a response: nestjs-envelope is 1, lower is better', 'class="title"')}
${legend.join('\n')}
${parts.join('\n')}
${text(20, y + 14, heading.join(', '), 'class="figure"')}
</svg>`);
