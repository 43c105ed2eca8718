import { WebSocket } from 'ws';
import { serveCommands } from './program.js';

/** What a client saw that reads and responds in time. */
export interface ProbeReport {
  bulk: number;
  gap?: string;
  /** Milliseconds. */
  roundTrips: { count: number; median: number; p99: number; max: number };
  closed?: number;
}

let report: ProbeReport = { bulk: 0, roundTrips: { count: 0, median: 0, p99: 0, max: 0 } };
const times: number[] = [];
let next = 0;
let isAsking = true;

function listen(ws: WebSocket): void {
  let sent = 0;
  const ask = (): void => {
    if (!isAsking) return;
    sent = performance.now();
    ws.send(JSON.stringify({ event: 'echo', id: 1, data: 'ping' }));
  };
  ws.on('message', (data: Buffer) => {
    const start = data.subarray(0, 60).toString();
    const [, number] = /^\{"event":"bulk","data":"(\d+):/.exec(start) ?? [];
    if (number !== undefined) {
      if (Number(number) !== next) report.gap ??= `${number} instead of ${next}`;
      next = Number(number) + 1;
      report.bulk++;
    } else if (start.includes('"ack":1')) {
      times.push(performance.now() - sent);
      setTimeout(ask, 10);
    }
  });
  ws.on('close', (code) => (report = { ...report, closed: code }));
  ask();
}

serveCommands({
  connect: (port: number, host = '127.0.0.1') =>
    new Promise<void>((resolve, reject) => {
      const ws = new WebSocket(`ws://${host}:${port}/ws`, { perMessageDeflate: false });
      ws.on('error', reject);
      ws.on('open', () => {
        listen(ws);
        resolve();
      });
    }),
  report: (): ProbeReport => {
    isAsking = false;
    const sorted = [...times].sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    report.roundTrips = { count: sorted.length, median: at(0.5), p99: at(0.99), max: at(1) };
    return report;
  },
});
setInterval(() => undefined, 60_000);
