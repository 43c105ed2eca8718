import { RequestError, type ClientSocket, type Untyped } from '../../client/node.js';
import { assertEmittable } from '../../protocol/reserved-events.js';
import { usageError } from '../arguments.js';
import type { Command, Context } from '../command.js';
import { openConnection, readTarget } from '../connection/open-connection.js';
import { CONNECTION } from '../connection/options.js';
import { readData } from '../data.js';
import { describeException } from '../describe-exception.js';
import { EXIT, exitCodeOfClose } from '../exit-codes.js';
import { toJson } from '../output.js';
import { timeOfDay } from '../time.js';

/** Prints the events of the server. */
export const command: Command = {
  usage: '<url> [event...]',
  text: 'Prints the events that the server sends: all of them, or those with these names.',
  options: {
    Events: {
      subscribe: {
        value: '<event data>',
        multiple: true,
        short: 's',
        text: `a request to make first, and on each new connection: 'order.watch {"id":7}'`,
      },
      count: { value: '<n>', short: 'n', text: 'end after n events' },
      for: { value: '<time>', text: 'end after this time; with exit code 1 if --count is not reached' },
      reconnect: { short: 'r', text: 'connect again when the connection is lost' },
    },
    ...CONNECTION,
  },
  examples: [
    'watch localhost:3000/ws',
    'watch wss://example.com/chat/red said joined --reconnect --token @token.txt',
    `watch localhost:3000/ws order.changed --subscribe 'order.watch {"id":7}' --count 1 --for 5s --json`,
  ],
  run,
};

async function run(context: Context): Promise<number> {
  const { args, output, signal } = context;
  const names = new Set(args.positionals.slice(1));
  const count = args.count('count', undefined);
  const time = args.duration('for', undefined);
  const subscriptions = await Promise.all(args.list('subscribe').map(readSubscription));
  const target = await readTarget(context);
  let end!: (exitCode: number) => void;
  const ended = new Promise<number>((resolve) => (end = resolve));

  const show = (type: 'event' | 'answer', event: string, data: unknown): void => {
    const date = new Date();
    if (output.isJson) return output.json({ type, time: date.toISOString(), event, data });
    const text = data === undefined ? '' : ` ${toJson(data)}`;
    output.print(['dim', timeOfDay(date)], ' ', [type === 'event' ? 'green' : 'cyan', event], text);
  };
  let events = 0;
  const prepare = (socket: ClientSocket): void => {
    socket.onAny((event, data) => {
      if ((names.size > 0 && !names.has(event)) || events === count) return;
      show('event', event, data);
      if (++events === count) end(EXIT.ok);
    });
    socket.on('disconnect', (_reason, { code, reason, willReconnect }) => {
      if (willReconnect) output.note(['yellow', `connection lost: ${code} ${reason}`]);
    });
    socket.on('connect_error', (error) => {
      if (error.willReconnect) output.note(['yellow', `${error.message}; trying again`]);
    });
    socket.on('connect', ({ missed }) => {
      if (missed) output.note(['yellow', 'connected again; events may be missing']);
    });
    for (const { event, data } of subscriptions) {
      const subscription = socket.subscribe(event, data);
      subscription.onAnswer((answer: Untyped) => show('answer', event, answer));
      subscription.onError((error) => {
        if (!(error instanceof RequestError)) return;
        output.failure(describeException(error.data), { event, data: error.data });
        end(EXIT.failed);
      });
    }
  };
  const connection = await openConnection(target, signal, { reconnection: args.flag('reconnect'), prepare });
  output.note(['dim', `connected to ${target.shownUrl}`]);
  const timer =
    time === undefined ? undefined : setTimeout(() => end(count === undefined ? EXIT.ok : EXIT.failed), time);
  const interrupt = (): void => end((signal.reason as { exitCode: number }).exitCode);
  signal.addEventListener('abort', interrupt);
  void connection.lost.then(({ code, reason }) => {
    output.failure(`the server closed the connection: ${code} ${reason}`.trim(), { code, reason });
    end(count === undefined ? exitCodeOfClose(code) : EXIT.connection);
  });
  const exitCode = await ended;
  clearTimeout(timer);
  await connection.close();
  return exitCode;
}

/** Reads `event data`. */
async function readSubscription(text: string): Promise<{ event: string; data: unknown }> {
  const [, event, data] = /^(\S+)(?:\s+([^]+))?$/.exec(text.trim()) ?? [];
  if (event === undefined)
    throw usageError('--subscribe is empty: it takes an event, and data after a space');
  assertEmittable(event);
  return { event, data: await readData('--subscribe', data) };
}
