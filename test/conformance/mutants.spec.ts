import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { declareChecks as declareClientChecks } from './client/checks.js';
import { describeWithPython, Program, PYTHON } from './client/clients.js';
import { CLIENT_MUTANTS, writeMutant } from './mutants/clients.js';
import { collect, type Check } from './mutants/collect.js';
import { LineProxy, type Change } from './mutants/proxy.js';
import { MUTANTS, NAMELESS } from './mutants/servers.js';
import { declareChecks } from './server/checks.js';
import { Server } from './server/server.js';

/** The one check of that name. */
function find(all: Check[], name: RegExp): Check {
  const found = all.filter((check) => name.test(check.name));
  if (found.length !== 1) throw new Error(`${found.length} checks are called ${String(name)}`);
  return found[0]!;
}

/** A check of a server that our own one becomes by a change. */
const checkOf = (change: Change, name: RegExp): Check =>
  find(
    collect(() => declareChecks(new Server((url) => LineProxy.start(url, change)))),
    name,
  );

/** A check of a client that is a program in Python. */
const checkOfClient = (path: string, name: RegExp): Check =>
  find(
    collect(() => declareClientChecks(() => new Program(PYTHON, [path]))),
    name,
  );

/** `undefined` where it passes. */
const outcomeOf = (check: Check): Promise<unknown> =>
  check.run().catch((error: unknown) => error ?? 'failed');

/** Our own server stands for the servers of others: `server.spec.ts` has to tell good ones from bad ones. */
describe('the checks of a server', () => {
  let outcomes: Map<string, unknown>;
  beforeAll(async () => {
    // at once: most wait for five seconds before they fail
    const all = MUTANTS.map(
      async ({ fault, check, change }) => [fault, await outcomeOf(checkOf(change, check))] as const,
    );
    outcomes = new Map(await Promise.all(all));
  }, 30_000);

  it.each(MUTANTS)('find one that $fault', ({ fault }) => {
    expect(outcomes.get(fault)).toBeInstanceOf(Error);
  });

  it.each(MUTANTS)('pass where the proxy changes nothing, for one that $fault', async ({ check }) => {
    expect(await outcomeOf(checkOf({}, check))).toBeUndefined();
  });
});

describe('the checks of a server that leaves the event out of its answers', () => {
  declareChecks(new Server((url) => LineProxy.start(url, NAMELESS)));
});

/** `bare_client.py` stands for the clients of others. */
describeWithPython('the checks of a client', () => {
  let folder: string;
  let outcomes: Map<string, unknown>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mutants-'));
    const all = CLIENT_MUTANTS.map(async (mutant, index) => {
      const path = writeMutant(folder, String(index), mutant);
      return [mutant.fault, await outcomeOf(checkOfClient(path, mutant.check))] as const;
    });
    outcomes = new Map(await Promise.all(all));
  }, 30_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(CLIENT_MUTANTS)('find one that $fault', ({ fault }) => {
    expect(outcomes.get(fault)).toBeInstanceOf(Error);
  });
});
