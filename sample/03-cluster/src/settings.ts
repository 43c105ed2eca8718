import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

export interface Settings {
  port: number;
  /** How many processes `cluster.ts` starts. */
  workers: number;
  /** The URL of a Redis, for more than one machine. */
  redis: string | undefined;
}

/** `--port 3007 --workers 4 --redis redis://localhost:6379`, or `PORT`, `WORKERS` and `REDIS_URL`. */
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

function wholeNumber(name: string, given: string | number, least: number): number {
  const value = Number(given);
  if (!Number.isInteger(value) || value < least) throw new Error(`--${name} is a whole number from ${least}`);
  return value;
}
