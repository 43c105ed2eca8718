import type { Output, Part } from '../output.js';
import type { ErrorCount } from './error-counts.js';
import type { Summary } from './latencies.js';
import type { SelfReport } from './self-watch.js';

/** The result of a load test, as `--json` prints it. Times are in milliseconds, rates per second. */
export interface LoadReport {
  readonly url: string;
  readonly seconds: number;
  readonly clients: { readonly planned: number; readonly opened: number; readonly lost: number };
  readonly connect: Summary | undefined;
  readonly messages:
    | {
        readonly planned: number;
        readonly sent: number;
        readonly answered: number;
        readonly refused: number;
        readonly unanswered: number;
        readonly rate: number;
      }
    | undefined;
  readonly received: number;
  /** From the time at which a message was to be sent. */
  readonly latency: Summary | undefined;
  /** From the time at which it was sent. */
  readonly serverTime: Summary | undefined;
  readonly errors: readonly ErrorCount[];
  readonly hints: readonly string[];
  /** The process that made the load. */
  readonly self: SelfReport;
}

/** Errors that a person is shown. */
const MAX_ERRORS = 5;

export function printReport(report: LoadReport, output: Output): void {
  if (output.isJson) return output.json({ type: 'summary', ...report });
  const { clients, messages, self, errors } = report;
  const row = (name: string, ...parts: readonly Part[]): void =>
    output.print(['bold', name.padEnd(13)], ...parts);
  row(
    'clients',
    `${count(clients.opened)} of ${count(clients.planned)} connected, ${count(clients.lost)} lost`,
  );
  if (messages !== undefined) {
    row(
      'messages',
      `${count(messages.sent)} sent in ${report.seconds} s (${count(messages.rate)} a second)`,
      ...(report.latency === undefined && messages.answered + messages.refused + messages.unanswered === 0
        ? []
        : [
            `, ${count(messages.answered)} answered, ${count(messages.refused)} refused, ${count(messages.unanswered)} unanswered`,
          ]),
    );
  }
  if (clients.opened > 0) printTimes(report, output);
  if (errors.length > 0) output.print('');
  for (const { message, count: times_ } of errors.slice(0, MAX_ERRORS))
    output.print(['red', `${count(times_)} x `], message);
  if (errors.length > MAX_ERRORS) output.print(`and ${errors.length - MAX_ERRORS} other kinds of errors`);
  for (const hint of report.hints) output.print(['yellow', 'hint: '], hint);
  if (clients.opened > 0) printSelf(self, output);
}

function printTimes({ connect, latency, serverTime, received, self }: LoadReport, output: Output): void {
  output.print(['bold', 'received'.padEnd(13)], `${count(received)} events`);
  output.print('');
  const heads = ['mean', 'p50', 'p90', 'p99', 'p99.9', 'max'].map((name): Part => ['dim', name.padStart(10)]);
  output.print(['dim', 'milliseconds '.padEnd(13)], ...heads);
  times('connecting', connect, output);
  times('answer', latency, output, 'from the planned time');
  times('', serverTime, output, 'from the actual send');
  times('send delay', self.sendDelay, output, 'of this process');
}

function printSelf(self: SelfReport, output: Output): void {
  output.print('');
  const busy = `event loop busy for ${percent(self.busy)}, delayed by ${self.loopDelay} ms (p99); processor ${percent(self.cpu)}`;
  output.print(['bold', 'this process '], busy);
  if (self.limits.length > 0)
    output.print(['yellow', `This process was the bottleneck: ${self.limits.join('; ')}.`]);
  else if (self.isLate)
    output.print([
      'yellow',
      'This process sent messages late: the higher percentiles are its own more than those of the server.',
    ]);
  else return;
  output.print(['yellow', 'Lower --rate, or run several processes on other processors or machines.']);
}

function times(name: string, summary: Summary | undefined, output: Output, note = ''): void {
  if (summary === undefined) return;
  const { mean, p50, p90, p99, p999, max } = summary;
  const columns = [mean, p50, p90, p99, p999, max].map((time) => time.toFixed(2).padStart(10));
  output.print(name.padEnd(13), ...columns, ['dim', note === '' ? '' : `  ${note}`]);
}

/** Writes a number with separators: 12,000. */
export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 1 });
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
