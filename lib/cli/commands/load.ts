import { assertEmittable } from '../../protocol/reserved-events.js';
import { usageError } from '../arguments.js';
import { atMost, pause } from '../at-most.js';
import type { Command, Context } from '../command.js';
import { readTarget } from '../connection/open-connection.js';
import { CONNECTION } from '../connection/options.js';
import { readData } from '../data.js';
import { EXIT } from '../exit-codes.js';
import type { Interruption } from '../interruption.js';
import { Clients } from '../load/clients.js';
import { Messages } from '../load/messages.js';
import { count, printReport, type LoadReport } from '../load/report.js';
import { SelfWatch } from '../load/self-watch.js';
import type { Output } from '../output.js';

/** Connects many clients, sends requests at a constant rate, and prints how long the answers took. */
export const command: Command = {
  usage: '<url> [event] [data]',
  text: [
    'Connects clients that send requests at a constant rate, and prints percentiles of the response time.',
    'Each request has a planned time, and its response time counts from there. So a server that stops for a second delays',
    'all requests of that second, not only one. Without an event, the clients only listen.',
    'If this process itself was too slow, the report says so. Its times then say little about the server.',
  ].join('\n'),
  options: {
    Load: {
      clients: { value: '<n>', short: 'c', text: 'number of clients. Default: 10' },
      rate: { value: '<n>', short: 'r', text: 'messages a second, of all clients together. Default: 100' },
      duration: { value: '<time>', short: 'd', text: 'how long to send. Default: 10s' },
      ramp: { value: '<n>', text: 'clients that connect in a second. Default: 100' },
      emit: { text: 'send events without an answer' },
    },
    ...CONNECTION,
  },
  examples: [
    'load localhost:3000/ws presence',
    `load localhost:3000/ws say '{"text":"hello"}' --clients 200 --rate 2000 --duration 30s`,
    'load localhost:3000/ws --clients 1000 --duration 1m --json',
  ],
  run,
};

async function run(context: Context): Promise<number> {
  const { args, output, signal } = context;
  const [, event, argument] = args.positionals;
  const planned = args.count('clients', 10);
  const rate = args.positive('rate', 100);
  const duration = args.duration('duration', 10_000);
  const ramp = args.positive('ramp', 100);
  if (event === undefined && args.flag('emit')) throw usageError('--emit needs an event to send');
  if (event !== undefined) assertEmittable(event);
  const target = await readTarget(context);
  const data = await readData('[data]', argument);

  const clients = new Clients(target, signal);
  const messages =
    event === undefined ? undefined : new Messages(clients, { event, data, isRequest: !args.flag('emit') });
  const stopProgress = showProgress(clients, messages, output);
  await clients.open(planned, ramp);
  const self = new SelfWatch();
  const start = performance.now();
  const total = Math.max(1, Math.round((rate * duration) / 1_000));
  if (clients.size > 0) {
    if (messages === undefined) await pause(duration, signal);
    else await messages.send({ rate, total }, signal);
  }
  const seconds = (performance.now() - start) / 1_000;
  // what was emitted without an answer
  if (args.flag('emit')) await atMost(target.timeout, clients.roundTrips(), signal);
  stopProgress();
  const latency = messages?.latencies.summary();
  const sent = messages?.sent ?? 0;
  // an interrupted test did not plan to send the rest, and a server that closes all connections prevents it
  const due = messages === undefined || signal.aborted || clients.size === 0 ? sent : total;
  const { failures } = clients;
  const errors = [...failures.list(), ...clients.exceptions.list(), ...(messages?.failures.list() ?? [])];
  const report: LoadReport = {
    url: target.shownUrl,
    seconds: Math.round(seconds * 10) / 10,
    clients: { planned, opened: clients.opened, lost: clients.lost },
    connect: clients.connectTimes.summary(),
    messages: messages && {
      planned: due,
      sent,
      answered: messages.answered,
      refused: messages.refused,
      unanswered: messages.unanswered,
      rate: Math.round((sent / seconds) * 10) / 10,
    },
    received: clients.received,
    latency,
    serverTime: messages?.serverTimes.summary(),
    errors,
    hints: [clients.failures, clients.exceptions, ...(messages ? [messages.failures] : [])].flatMap(
      (counts) => counts.hints(),
    ),
    self: self.report(due, sent, messages?.sendDelays, latency),
  };
  printReport(report, output);
  await clients.close();
  if (signal.aborted) return (signal.reason as Interruption).exitCode;
  if (clients.opened === 0) return EXIT.connection;
  return errors.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Shows how far the test is, twice a second for a person, once for a script. */
function showProgress(clients: Clients, messages: Messages | undefined, output: Output): () => void {
  const start = performance.now();
  const timer = setInterval(
    () => {
      const seconds = Math.round((performance.now() - start) / 1_000);
      const { size } = clients;
      const { sent = 0, answered = 0, refused = 0, unanswered = 0 } = messages ?? {};
      const { p50, p99 } = messages?.latencies.summary() ?? {};
      if (output.isJson) {
        output.json({
          type: 'progress',
          seconds,
          clients: size,
          sent,
          answered,
          failed: refused + unanswered,
          p50,
          p99,
        });
        return;
      }
      const counts =
        messages === undefined
          ? ''
          : `, ${count(sent)} sent, ${count(answered)} answered, ${count(refused + unanswered)} failed`;
      output.progress(['dim', `${seconds} s  `], `${count(size)} clients${counts}`, [
        'dim',
        p50 === undefined ? '' : `  p50 ${p50} ms, p99 ${p99} ms`,
      ]);
    },
    output.isJson ? 1_000 : 500,
  );
  return () => clearInterval(timer);
}
