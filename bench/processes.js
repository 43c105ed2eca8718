// The bench's own processes: each answers questions, and ends when the bench does.
import { fork } from 'node:child_process';
import { once } from 'node:events';

/** @param file its URL */
export function start(file, args = [], execArgv = []) {
  const child = fork(file, args, { execArgv });
  const open = new Map();
  let ids = 0;
  child.on('message', ({ id, result, error }) => {
    const { resolve, reject } = open.get(id);
    open.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(`${file.pathname}: ${error}`));
  });
  child.once('exit', (code, signal) => {
    for (const { reject } of open.values()) reject(new Error(`${file.pathname} ended (${code ?? signal})`));
  });
  const ask = (command, options) =>
    new Promise((resolve, reject) => {
      const id = ids++;
      open.set(id, { resolve, reject });
      child.send({ id, command, ...options });
    });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    // not a signal: a profile is written by a process that ends by itself
    child.disconnect();
    await ended;
  };
  return { ask, stop };
}

/** The other side of it. */
export function serve(commands) {
  const answer = async ({ id, command, ...options }) => {
    try {
      process.send({ id, result: await commands[command](options) });
    } catch (error) {
      process.send({ id, error: error.stack });
    }
  };
  process.on('message', (question) => void answer(question));
  process.once('disconnect', () => process.exit());
}

/** Microseconds of CPU that this process has used. */
export function ownCpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Bytes, after the garbage has gone where the process may ask for that (`--expose-gc`). */
export async function ownMemory() {
  // the first find the garbage, the later ones give the pages back
  for (let i = 0; i < 10; i++) {
    globalThis.gc?.();
    await pause(50);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed, external };
}
