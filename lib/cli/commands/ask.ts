import { assertEmittable } from '../../protocol/reserved-events.js';
import { RequestError } from '../../client/node.js';
import { CONNECTION } from '../connection/options.js';
import { openConnection, readTarget } from '../connection/open-connection.js';
import { usageError } from '../arguments.js';
import type { Command, Context } from '../command.js';
import { readData } from '../data.js';
import { describeException } from '../describe-exception.js';
import { EXIT } from '../exit-codes.js';
import { roundTime } from '../time.js';

/** Sends one request, and prints its answer or, with `--stream`, all values of a stream. */
export const command: Command = {
  usage: '<url> <event> [data]',
  text: [
    'Sends a request and prints its answer.',
    'The data is JSON, or else a text; @file reads a file, - reads standard input.',
  ].join('\n'),
  options: {
    Request: {
      stream: { text: 'print all values of a handler that returns a stream' },
      count: { value: '<n>', short: 'n', text: 'end a stream after n values' },
    },
    ...CONNECTION,
  },
  examples: [
    'ask localhost:3000/ws presence',
    `ask localhost:3000/ws say '{"text":"hello"}' --json`,
    'ask wss://example.com/ws ticks --stream --count 3 --token @token.txt',
  ],
  run,
};

async function run(context: Context): Promise<number> {
  const { args, output, signal } = context;
  const [, event = '', argument] = args.positionals;
  const count = args.count('count', undefined);
  if (count !== undefined && !args.flag('stream')) throw usageError('--count is for --stream');
  assertEmittable(event);
  const target = await readTarget(context);
  const data = await readData('[data]', argument);
  const connection = await openConnection(target, signal);
  const { socket } = connection;
  const start = performance.now();
  const answer = (value: unknown): void => {
    if (output.isJson)
      output.json({ type: 'answer', event, data: value, ms: roundTime(performance.now() - start) });
    else output.value(value);
  };
  try {
    if (args.flag('stream')) {
      let values = 0;
      for await (const value of socket.stream(event, data, { signal })) {
        answer(value);
        if (++values === count) break;
      }
      signal.throwIfAborted();
    } else {
      answer(await socket.signal(signal).emitWithAck(event, ...(data === undefined ? [] : [data])));
    }
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    output.failure(describeException(error.data), {
      event,
      data: error.data,
      ms: roundTime(performance.now() - start),
    });
    return EXIT.failed;
  } finally {
    await connection.close();
  }
}
