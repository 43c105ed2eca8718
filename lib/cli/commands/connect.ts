import { atMost, pause } from '../at-most.js';
import type { Command, Context } from '../command.js';
import { FrameLog } from '../connect/frame-log.js';
import { isCompletable, promptLines, scriptLines, type Lines } from '../connect/lines.js';
import { LINES, Session } from '../connect/session.js';
import { openConnection, readTarget, roundTrips } from '../connection/open-connection.js';
import { CONNECTION } from '../connection/options.js';
import { EXIT, exitCodeOfClose } from '../exit-codes.js';
import type { Interruption } from '../interruption.js';

/** Names of events for completion. */
const MAX_EVENTS = 1_000;

/** Connects, shows all messages in both directions with their times, and sends what the user writes. */
export const command: Command = {
  usage: '<url>',
  text: [
    'Opens a connection, prints every message in both directions with its time, and sends what you write, line by line:',
    '',
    ...Object.values(LINES).map(([example, text]) => `  ${example.padEnd(22)} ${text}`),
    `  ${'{"event": …}'.padEnd(22)} send this message as it is`,
    '',
    'Lines can also come from a pipe. Then the command ends after the last line, when all answers have arrived: with exit',
    'code 1 if the server refused something, or if an answer did not arrive within --timeout.',
  ].join('\n'),
  options: {
    Session: {
      reconnect: { short: 'r', text: 'connect again when the connection is lost' },
      wait: {
        value: '<time>',
        short: 'w',
        text: 'how long to stay connected after the last line of a pipe. Default: 0',
      },
    },
    ...CONNECTION,
  },
  examples: [
    'connect localhost:3000/ws',
    'connect wss://example.com/chat/red --token @token.txt',
    `connect localhost:3000/ws --json < requests.txt`,
  ],
  run,
};

async function run(context: Context): Promise<number> {
  const { args, output, signal } = context;
  const wait = args.duration('wait', 0);
  const target = await readTarget(context);
  const log = new FrameLog(output, target.presentation.secrets);
  const events = new Set<string>();
  const connection = await openConnection(target, signal, {
    reconnection: args.flag('reconnect'),
    wire: log,
    prepare: (socket) => {
      socket.onAny((event) => {
        if (events.size < MAX_EVENTS && isCompletable(event)) events.add(event);
      });
      socket.on('disconnect', (_reason, { code, reason, willReconnect }) => {
        log.forget();
        if (willReconnect) output.note(['yellow', `connection lost: ${code} ${reason}`.trim()]);
      });
      socket.on('connect_error', (error) => {
        if (error.willReconnect) output.note(['yellow', `${error.message}; trying again`]);
      });
    },
  });
  const { stdin, stdout } = process;
  const isPrompt = stdin.isTTY && stdout.isTTY && !output.isJson;
  output.note([
    'dim',
    `connected to ${target.shownUrl}${isPrompt ? '. Write help for help, Ctrl-D to leave.' : ''}`,
  ]);

  const leave = new AbortController();
  let exitCode: number | undefined;
  const end = (code: number): void => {
    exitCode ??= code;
    leave.abort();
  };
  signal.addEventListener('abort', () => end((signal.reason as Interruption).exitCode));
  void connection.lost.then(({ code, reason }) => {
    output.failure(`the server closed the connection: ${code} ${reason}`.trim(), { code, reason });
    end(exitCodeOfClose(code));
  });
  const lines = isPrompt
    ? promptLines(output, events, leave.signal, () => end(EXIT.interrupted))
    : scriptLines(leave.signal);
  const session = new Session(connection, log, output, target.timeout, leave.signal);
  await Promise.race([runLines(lines, session), aborted(leave.signal)]);
  lines.close();
  stdin.pause();
  output.around = (write) => write();
  if (exitCode === undefined && !isPrompt) {
    // exceptions of messages without an id
    await atMost(target.timeout, roundTrips(connection), leave.signal);
    await session.settle();
    if (wait > 0) await pause(wait, leave.signal);
  }
  await connection.close();
  if (exitCode !== undefined) return exitCode;
  return !isPrompt && (log.hasFailed || session.hasFailed) ? EXIT.failed : EXIT.ok;
}

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}

async function runLines(lines: Lines, session: Session): Promise<void> {
  for await (const line of lines) if (!(await session.run(line))) return;
}
