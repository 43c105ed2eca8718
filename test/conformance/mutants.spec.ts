import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { declareChecks as declareClientChecks } from './client/checks.js';
import { describeWithPython, Program, PYTHON } from './client/clients.js';
import { CLIENT_MUTANTS, writeMutant } from './mutants/clients.js';
import { collect, type Check } from './mutants/collect.js';
import { MutantProxy, type Change } from './mutants/proxy.js';
import { MUTANTS, WITHOUT_EVENT } from './mutants/servers.js';
import { declareChecks } from './server/checks.js';
import { Server } from './server/server.js';

/** Returns the only check with this name. */
function find(all: Check[], name: RegExp): Check {
  const found = all.filter((check) => name.test(check.name));
  if (found.length !== 1) throw new Error(`${found.length} checks match ${String(name)}`);
  return found[0]!;
}

/** Returns a check of our own server behind a proxy that changes it. */
const checkOf = (change: Change, name: RegExp): Check =>
  find(
    collect(() => declareChecks(new Server((url) => MutantProxy.start(url, change)))),
    name,
  );

/** Returns a check of a client in Python. */
const checkOfClient = (path: string, name: RegExp): Check =>
  find(
    collect(() => declareClientChecks(() => new Program(PYTHON, [path]))),
    name,
  );

/** Resolves with the error of a check, or `undefined` when it passes. */
const outcomeOf = (check: Check): Promise<unknown> =>
  check.run().catch((error: unknown) => error ?? 'failed');

/** Our own server stands for other servers: `server.spec.ts` must distinguish correct ones from faulty ones. */
describe('the checks of a server', () => {
  let outcomes: Map<string, unknown>;
  beforeAll(async () => {
    // in parallel: most wait five seconds before they fail
    const all = MUTANTS.map(
      async ({ fault, check, change }) => [fault, await outcomeOf(checkOf(change, check))] as const,
    );
    outcomes = new Map(await Promise.all(all));
  }, 30_000);

  it.each(MUTANTS)('fail for one that $fault', ({ fault }) => {
    expect(outcomes.get(fault)).toBeInstanceOf(Error);
  });

  it.each(MUTANTS)('pass when the proxy changes nothing: check for one that $fault', async ({ check }) => {
    expect(await outcomeOf(checkOf({}, check))).toBeUndefined();
  });
});

describe('the checks of a server that omits the event in its responses', () => {
  declareChecks(new Server((url) => MutantProxy.start(url, WITHOUT_EVENT)));
});

/** `bare_client.py` stands for other clients. */
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

  it.each(CLIENT_MUTANTS)('fail for one that $fault', ({ fault }) => {
    expect(outcomes.get(fault)).toBeInstanceOf(Error);
  });
});
