import { setMaxListeners } from 'node:events';
import { EXIT } from './exit-codes.js';

/** Why a command should end: what its signal aborts with. */
export interface Interruption {
  readonly exitCode: number;
}

/**
 * Returns a signal that aborts on SIGINT and SIGTERM, and when nobody reads the output any more, as with `| head`. A second
 * SIGINT ends the process at once.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  // one for each connection that opens
  setMaxListeners(0, controller.signal);
  // ends a command that reads standard input
  controller.signal.addEventListener('abort', () => process.stdin.destroy());
  const interrupt = (exitCode: number): void => {
    const reason: Interruption = { exitCode };
    if (controller.signal.aborted) process.exit(exitCode);
    controller.abort(reason);
  };
  process.on('SIGINT', () => interrupt(EXIT.interrupted));
  process.on('SIGTERM', () => interrupt(EXIT.terminated));
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code !== 'EPIPE') process.exit(EXIT.failed);
      if (!controller.signal.aborted) interrupt(EXIT.ok);
    });
  return controller.signal;
}
