import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { clientChecks } from '../../lib/conformance/client/checks.js';
import { runChecks, type Result } from '../../lib/conformance/run.js';
import { GO_ENV, prepareGo, PYTHON, REFERENCE_CLIENTS } from './reference-clients.js';

const ROOT = process.cwd();
/** The checks are independent of each other, and most of them wait: each client runs this many at a time. */
const LANES = 2;

const [python, go] = REFERENCE_CLIENTS;
const names = clientChecks(() => {
  throw new Error('not run');
}).map(({ name, rules }) => `${name} (${rules.join(', ')})`);

const label = ({ check }: Result): string => `${check.name} (${check.rules.join(', ')})`;

describe.each(REFERENCE_CLIENTS)(
  'PROTOCOL.md and a reference client: $name',
  ({ describe: describeClient, make }) => {
    describeClient('a scripted server', () => {
      let results: Map<string, Result>;

      beforeAll(async () => {
        const lanes = Array.from({ length: LANES }, (_, lane) =>
          runChecks(
            clientChecks(make).filter((_check, index) => index % LANES === lane),
            () => undefined,
          ),
        );
        results = new Map((await Promise.all(lanes)).flat().map((result) => [label(result), result]));
      });

      it.each(names)('%s', (name) => {
        expect(results.get(name)).toMatchObject({ outcome: 'passed', reason: undefined });
      });
    });
  },
);

describe('the test vectors of messages', () => {
  const path = join(ROOT, 'test/protocol/vectors/messages.json');
  const played = 111;

  python!.describe('clients/python', () => {
    it('are read as PROTOCOL.md says', () => {
      const test = join(ROOT, 'clients/python/envelope_test.py');
      const { status, stdout, stderr } = spawnSync(PYTHON, [test], { encoding: 'utf8' });
      expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: `${played} vectors\n` });
    });
  });

  go!.describe('clients/go', () => {
    it('are read as PROTOCOL.md says', () => {
      prepareGo();
      const { status, stdout, stderr } = spawnSync('go', ['test', '-vet=off', '-count=1', '-v', 'envelope'], {
        env: { ...GO_ENV, ENVELOPE_VECTORS: path },
        encoding: 'utf8',
      });
      expect({ status, stdout, stderr }).toMatchObject({
        status: 0,
        stdout: expect.stringContaining(`${played} vectors\n`),
      });
    });
  });
});

describe('clients/README.md', () => {
  const lines = readFileSync(join(ROOT, 'clients/README.md'), 'utf8').split('\n');
  const rows = lines
    .filter((line) => /^\| [\d.,\s]+\|/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const sources = ['clients/python/envelope.py', 'clients/go/envelope.go'].map((file) =>
    readFileSync(join(ROOT, file), 'utf8'),
  );

  it('names functions and constants that the clients have', () => {
    const missing = rows.flatMap(([, , , ...cells]) =>
      cells.slice(0, 2).flatMap((cell, column) =>
        Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name!)
          .map((name) => name.split('.').at(-1)!)
          .filter((name) => !new RegExp(`\\b${name}\\b`).test(sources[column]!)),
      ),
    );
    expect(missing).toEqual([]);
    expect(rows.length).toBeGreaterThan(15);
  });

  it('has each rule that a check of clients cites', () => {
    const cited = new Set(clientChecks(() => undefined!).flatMap(({ rules }) => rules));
    const listed = new Set(rows.flatMap(([, rules]) => rules!.split(', ')));
    expect([...cited].filter((rule) => !listed.has(rule))).toEqual([]);
  });
});
