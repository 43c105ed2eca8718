import { Writable } from 'node:stream';
import { pino } from 'pino';

/** The lines that pino has written. */
export const lines: Record<string, unknown>[] = [];

export const log = pino(
  new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  }),
);
