import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ERROR_CODES } from '../../lib/protocol/error-codes.js';

const LIB = join(process.cwd(), 'lib');
const files = (readdirSync(LIB, { recursive: true }) as string[])
  .map((name) => name.replaceAll('\\', '/'))
  // an error in conformance/ is what a check found, which the command line prints
  .filter(
    (name) =>
      name.endsWith('.ts') &&
      !/^explorer\/(console-)?page\.ts$/.test(name) &&
      !name.startsWith('conformance/'),
  );
const sources = files.map((name): [string, string] => [name, readFileSync(join(LIB, name), 'utf8')]);
const page = readFileSync(join(process.cwd(), 'docs/errors.md'), 'utf8');

/** Errors that never reach an application, by file and the beginning of their arguments. */
const INTERNAL: Readonly<Record<string, readonly string[]>> = {
  // malformed messages of other nodes: dropped and logged
  'server/rooms/target.ts': ["'a message has no target'", "'a message has no event'"],
  'server/rooms/packet-encoder.ts': ["'a packet has no event'"],
  'server/cluster/message-snapshot.ts': ["'a message contains itself'"],
  // become parts of the warning about the store
  'once/answer.ts': ["'it is no record of @Once()'"],
  'once/in-time.ts': ['`no response within'],
  // becomes a part of the error about the option trustProxy
  'server/upgrade/client-address.ts': ["'pass the number of hops as a number, not as a string'"],
  // becomes a refused handshake
  'server/transport/deflate-offer.ts': ["'malformed'"],
  // a state that Nest does not produce
  'nest/guards/upgrade-guards.ts': ['`Nest has no instance of'],
};
/** The application's own value, thrown or rejected with, that is no Error. */
const FOREIGN = /^String\((\w+\.)?error\)\)/;
const NEW_ERROR = /\bnew (?:Aggregate|Eval|Range|Reference|Syntax|Type|URI)?Error\(\s*/g;
const IN_WITH_CODE = /\bwithCode\(\s*'(ERR_ENVELOPE_\w+)',\s*$/;

it('lib creates no Error without a code: use withCode, or list it as internal', () => {
  const missing = sources.flatMap(([name, source]) =>
    [...source.matchAll(NEW_ERROR)]
      .map((match) => [source.slice(0, match.index), source.slice(match.index + match[0].length)] as const)
      .filter(([before, after]) => {
        const isInternal = INTERNAL[name]?.some((text) => after.startsWith(text)) === true;
        return !IN_WITH_CODE.test(before) && !isInternal && !FOREIGN.test(after);
      })
      .map(([before, after]) => `lib/${name}:${before.split('\n').length}: ${after.slice(0, 60)}`),
  );
  expect(missing).toEqual([]);
});

it('lists no internal error that is gone', () => {
  for (const [name, texts] of Object.entries(INTERNAL))
    for (const text of texts)
      expect([name, sources.find(([other]) => other === name)?.[1]]).toEqual([
        name,
        expect.stringContaining(text),
      ]);
});

it('every error class has a code of the table, and the table names every class', () => {
  const classes = sources.flatMap(([, source]) =>
    [...source.matchAll(/\bclass (\w+) extends (?:\w*Error|WsException)\b[^]*?\n}\n/g)].map(
      ([text, name]) => `${name}: ${/^ {2}readonly code = '(\w+)'/m.exec(text)?.[1] ?? 'none'}`,
    ),
  );
  const plain = /^(Type|Range)?Error(, (Type|Range)?Error)*$/;
  const described = Object.entries(ERROR_CODES)
    .filter(([, error]) => !plain.test(error.class))
    .map(([code, error]) => `${error.class}: ${code}`);
  // its code is the close code
  const expected = [...described, 'ConnectError: none'];
  expect(new Set(classes)).toEqual(new Set(expected));
});

it('the table has no code that lib does not use', () => {
  const code = sources.filter(([name]) => name !== 'protocol/error-codes.ts').map(([, source]) => source);
  const unused = Object.keys(ERROR_CODES).filter((name) => !code.some((text) => text.includes(`'${name}'`)));
  expect(unused).toEqual([]);
});

it('docs/errors.md is generated from the tables: npm run docs:errors', () => {
  const script = join(process.cwd(), 'scripts/errors-page.js');
  expect(execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8', stdio: 'pipe' })).toBe('');
  for (const code of Object.keys(ERROR_CODES)) expect(page).toContain(`#### \`${code}\`\n`);
});

it('docs/errors.md lists every HTTP response to a refused upgrade', () => {
  const refusals = sources.flatMap(([, source]) => [...source.matchAll(/\brefusal\((\d{3}), '([^']+)'/g)]);
  expect(refusals.length).toBeGreaterThan(8);
  for (const [, status, message] of refusals)
    expect(page).toMatch(new RegExp(`\\| ${status} +\\| ${message} `));
});
