import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

export interface Settings {
  port: number;
  /** The number of processes that `cluster.ts` starts. */
  workers: number;
  /** The URL of a Redis, for more than one machine. */
  redis: string | undefined;
}

/** Reads `--port 3007 --workers 4 --redis redis://localhost:6379`, or `PORT`, `WORKERS` and `REDIS_URL`. */
export function readSettings(): Settings {
  const type = 'string';
  const { values } = parseArgs({ options: { port: { type }, workers: { type }, redis: { type } } });
  const { PORT = 3007, WORKERS = Math.max(2, availableParallelism()), REDIS_URL } = process.env;
  return {
    port: wholeNumber('port', values.port ?? PORT, 0),
    workers: wholeNumber('workers', values.workers ?? WORKERS, 1),
    redis: values.redis ?? REDIS_URL,
  };
}

function wholeNumber(name: string, text: string | number, minimum: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < minimum)
    throw new Error(`--${name} ${text}: must be a whole number of at least ${minimum}`);
  return value;
}
