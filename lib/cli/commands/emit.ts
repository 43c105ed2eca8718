import { assertEmittable } from '../../protocol/reserved-events.js';
import type { Untyped } from '../../client/node.js';
import type { Command, Context } from '../command.js';
import { openConnection, readTarget, roundTrips } from '../connection/open-connection.js';
import { CONNECTION } from '../connection/options.js';
import { readData } from '../data.js';
import { describeException } from '../describe-exception.js';
import { EXIT } from '../exit-codes.js';

/** Sends one event, and ends when the server has received it. */
export const command: Command = {
  usage: '<url> <event> [data]',
  text: [
    'Sends an event and waits until the server has received it. It fails if the server refuses the event by then.',
    'What a handler does later is not known: use ask, if it answers.',
    'The data is JSON, or else a text; @file reads a file, - reads standard input.',
  ].join('\n'),
  options: CONNECTION,
  examples: ['emit localhost:3000/ws message hello', `emit localhost:3000/ws move '{"x":1,"y":2}'`],
  run,
};

async function run(context: Context): Promise<number> {
  const { args, output, signal } = context;
  const [, event = '', argument] = args.positionals;
  assertEmittable(event);
  const target = await readTarget(context);
  const data = await readData('[data]', argument);
  const exceptions: Untyped[] = [];
  const connection = await openConnection(target, signal, {
    prepare: (socket) => socket.on('exception', (exception: Untyped) => exceptions.push(exception)),
  });
  try {
    connection.socket.emit(event, ...(data === undefined ? [] : [data]));
    await roundTrips(connection);
    if (exceptions.length === 0) {
      const { id } = connection.socket;
      if (output.isJson) output.json({ type: 'sent', event, data, id });
      return EXIT.ok;
    }
    for (const exception of exceptions)
      output.failure(describeException(exception), { event, data: exception });
    return EXIT.failed;
  } finally {
    await connection.close();
  }
}
