// Child processes of the bench. Each answers commands, and ends when the bench ends.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeHeapSnapshot } from 'node:v8';

/**
 * Starts a child process.
 *
 * @param file the URL of its program
 * @returns `ask`, which sends a command and resolves with its result, and `stop`
 */
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
    // not with a signal: a process writes its profile only when it ends by itself
    child.disconnect();
    await ended;
  };
  return { ask, stop };
}

/** Answers the commands of the parent process, by name. Each process can also write a heap snapshot. */
export function serve(given) {
  const commands = { ...given, snapshot: ({ file }) => writeHeapSnapshot(file) };
  const answer = async ({ id, command, ...options }) => {
    try {
      process.send({ id, result: await commands[command](options) });
    } catch (error) {
      process.send({ id, error: error.stack });
    }
  };
  process.on('message', (message) => void answer(message));
  process.once('disconnect', () => process.exit());
}

/** Returns the CPU time that this process has used, in microseconds. */
export function ownCpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Returns the memory of this process in bytes, after a garbage collection where `--expose-gc` allows one. */
export async function ownMemory() {
  // the first collections free the garbage, the later ones return its pages to the system
  for (let i = 0; i < 10; i++) {
    globalThis.gc?.();
    await pause(50);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed, external };
}
