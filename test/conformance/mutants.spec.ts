import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientChecks } from '../../lib/conformance/client/checks.js';
import { ClientProgram } from '../../lib/conformance/client/client-program.js';
import { serverChecks } from '../../lib/conformance/server/checks.js';
import { Server } from '../../lib/conformance/server/server.js';
import type { Check } from '../../lib/conformance/suite.js';
import type { TestApp } from '../support/app.js';
import { describeWithPython, PYTHON } from './clients.js';
import { declare, OWN, ownServer } from './declare.js';
import { startFixture } from './fixture.js';
import { CLIENT_MUTANTS, writeMutant } from './mutants/clients.js';
import { MutantProxy, type Change } from './mutants/proxy.js';
import { MUTANTS, WITHOUT_EVENT } from './mutants/servers.js';

/** Returns the only check with this name. */
function find(all: Check[], name: RegExp): Check {
  const found = all.filter((check) => name.test(check.name));
  if (found.length !== 1) throw new Error(`${found.length} checks match ${String(name)}`);
  return found[0]!;
}

/** Resolves with the error of a check, or `undefined` when it passes. */
const outcomeOf = (check: Check): Promise<unknown> =>
  check.run().catch((error: unknown) => error ?? 'failed');

/** Our own server stands for other servers: the checks must distinguish correct ones from faulty ones. */
describe('the checks of a server', () => {
  let app: TestApp;
  let outcomes: Map<string, unknown>;

  /** Resolves with the outcome of one check of our own server behind a proxy that changes it. */
  const outcomeBehind = async (change: Change, name: RegExp): Promise<unknown> => {
    const proxy = await MutantProxy.start(app.url('/protocol'), change);
    try {
      return await outcomeOf(find(serverChecks(new Server(() => proxy.url, OWN)), name));
    } finally {
      await proxy.close();
    }
  };

  beforeAll(async () => {
    app = await startFixture();
    // in parallel: most wait five seconds before they fail
    const all = MUTANTS.map(
      async ({ fault, check, change }) => [fault, await outcomeBehind(change, check)] as const,
    );
    outcomes = new Map(await Promise.all(all));
  });
  afterAll(() => app.close());

  it.each(MUTANTS)('fail for one that $fault', ({ fault }) => {
    expect(outcomes.get(fault)).toBeInstanceOf(Error);
  });

  it.each(MUTANTS)('pass when the proxy changes nothing: check for one that $fault', async ({ check }) => {
    expect(await outcomeBehind({}, check)).toBeUndefined();
  });
});

describe('the checks of a server that omits the event in its responses', () => {
  declare(serverChecks(ownServer((url) => MutantProxy.start(url, WITHOUT_EVENT))));
});

/** `bare_client.py` stands for other clients. */
describeWithPython('the checks of a client', () => {
  let folder: string;
  let outcomes: Map<string, unknown>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mutants-'));
    const all = CLIENT_MUTANTS.map(async (mutant, index) => {
      const path = writeMutant(folder, String(index), mutant);
      const checks = clientChecks(() => new ClientProgram(PYTHON, [path]));
      return [mutant.fault, await outcomeOf(find(checks, mutant.check))] as const;
    });
    outcomes = new Map(await Promise.all(all));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(CLIENT_MUTANTS)('fail for one that $fault', ({ fault }) => {
    expect(outcomes.get(fault)).toBeInstanceOf(Error);
  });
});
