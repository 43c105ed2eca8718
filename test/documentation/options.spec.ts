import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const read = (file: string): string => readFileSync(join(process.cwd(), file), 'utf8');
const captures = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, name]) => name!);

/** The names in the first cells of the tables of a page. */
const named = (page: string): Set<string> =>
  new Set(captures(read(page), /^\| ([^|]+)\|/gm).flatMap((cell) => captures(cell, /`([^`]+)`/g)));

/** Names that other pages describe: Socket.IO's and `ws`'s names of options, and what only a gateway has. */
const ELSEWHERE = ['maxPayload', 'maxHttpBufferSize', 'connectionStateRecovery', 'namespace'];

it('docs/options.md lists each option of the adapter and of gateways', () => {
  const source = read('lib/nest/options/option-rules.ts');
  const [rules] = source.slice(source.indexOf('const RULES')).split('\n};');
  const options = captures(rules!, /^ {2}(\w+):/gm);
  expect(options.length).toBeGreaterThan(25);
  const documented = named('docs/options.md');
  expect(options.filter((name) => !documented.has(name) && !ELSEWHERE.includes(name))).toEqual([]);
});

it('docs/client.md lists each option of the client', () => {
  const source = read('lib/client/options.ts');
  const [fields] = source.slice(source.indexOf('export interface ClientOptions')).split('\n}');
  const options = captures(fields!, /^ {2}(\w+)\?:/gm);
  expect(options.length).toBeGreaterThan(14);
  const documented = named('docs/client.md');
  expect(options.filter((name) => !documented.has(name))).toEqual([]);
});

it('docs/observability.md lists each metric', () => {
  const sources = readdirSync(join(process.cwd(), 'lib/opentelemetry')).map((file) =>
    read(`lib/opentelemetry/${file}`),
  );
  const created = /(?:meter\.create\w+\(|(?:counter|observeCounters)\(\s*meter,)\s*'([\w.]+)'/g;
  const metrics = sources.flatMap((source) => captures(source, created));
  expect(metrics.length).toBeGreaterThan(13);
  // `.opened` stands for the name of the metric before it in its cell, with another last part
  const cells = captures(read('docs/observability.md'), /^\| ([^|]+)\|/gm);
  const documented = new Set(
    cells.flatMap((cell) => {
      const names = captures(cell, /`([^`]+)`/g);
      return names.map((name) => (name.startsWith('.') ? names[0]!.replace(/\.\w+$/, name) : name));
    }),
  );
  expect(metrics.filter((name) => !documented.has(name))).toEqual([]);
});
