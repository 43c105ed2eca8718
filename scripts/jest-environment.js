import { setTimeout as sleep } from 'node:timers/promises';
import { TestEnvironment } from 'jest-environment-node';

// A spec file must close these resources: each keeps a process alive.
const WATCHED = ['TCPServerWrap', 'TCPSocketWrap', 'PipeServerWrap', 'ProcessWrap'];
// Jest's own timers run in its main process, so timers can be counted only in a worker.
// A timer left open in the main process shows as well: the run does not end.
if (process.send) WATCHED.push('Timeout');

/** It only ends the wait for what is left open: on a busy machine, handles close late. */
const GRACE_MS = 120_000;

/** Fails a spec file that leaves handles open. Jest alone kills its worker and only prints a warning. */
export default class LeakCheckEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    this.before = count();
  }

  async teardown() {
    const deadline = Date.now() + GRACE_MS;
    while (leftOpen(this.before).length > 0 && Date.now() < deadline) await sleep(20);
    const names = leftOpen(this.before);
    await super.teardown();
    if (names.length > 0) throw new Error(`Handles left open by this spec file: ${names.join(', ')}`);
  }
}

function count() {
  const counts = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function leftOpen(before) {
  const now = count();
  return WATCHED.filter((name) => (now[name] ?? 0) > (before[name] ?? 0));
}
