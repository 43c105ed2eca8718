import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROMTOOL = process.env.PROMTOOL_PATH ?? '/usr/bin/promtool';
const ALERTS = join(process.cwd(), 'docs/observability/alerts.yaml');
const TESTS = join(process.cwd(), 'test/opentelemetry/alerts.test.yaml');

/** Not in CI either: the package is large, and `dashboard.spec.ts` checks the expressions without it. */
const describeWithPromtool = existsSync(PROMTOOL) ? describe : skip();

function skip(): jest.Describe {
  process.stderr.write(
    `No promtool at ${PROMTOOL} (apt-get install prometheus, or set PROMTOOL_PATH): these tests are skipped\n`,
  );
  return describe.skip;
}

describeWithPromtool('promtool, of Prometheus', () => {
  it('accepts the rules, and each of them alerts when it should', () => {
    const folder = mkdtempSync(join(tmpdir(), 'envelope-promtool-'));
    try {
      const file = join(folder, 'alerts.test.yaml');
      writeFileSync(file, readFileSync(TESTS, 'utf8').replace('[ALERTS]', `[${ALERTS}]`));
      for (const args of [
        ['check', 'rules', ALERTS],
        ['test', 'rules', file],
      ]) {
        const { status, stdout, stderr } = spawnSync(PROMTOOL, args, { encoding: 'utf8' });
        expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the tests of the alerts', () => {
  it('let each of them alert once', () => {
    const names = [...readFileSync(ALERTS, 'utf8').matchAll(/alert: (\w+)/g)].map(([, name]) => name);
    const tested = [...readFileSync(TESTS, 'utf8').matchAll(/alertname="(\w+)"/g)].map(([, name]) => name);
    expect(new Set(tested)).toEqual(new Set(names));
  });
});
