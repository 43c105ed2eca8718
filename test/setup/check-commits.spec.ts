import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const SCRIPT = join(process.cwd(), 'scripts/check-commits.js');
const folders: string[] = [];
let repository: string;

/** Excludes the git configuration of the machine. */
const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
    cwd: repository,
    env,
    encoding: 'utf8',
    stdio: 'pipe',
  }).trim();
const folder = (): string => {
  folders.push(mkdtempSync(join(tmpdir(), 'check-commits-')));
  return folders.at(-1)!;
};
const check = (...args: string[]): { status: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], {
    cwd: repository,
    env,
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
};
const commit = (subject: string): string => {
  git('commit', '--quiet', '--allow-empty', '--message', `${subject}\n\nA body of any length.`);
  return git('rev-parse', 'HEAD');
};

beforeEach(() => {
  repository = folder();
  git('init', '--quiet');
});
afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});

it.each([
  'feat: give errors stable codes',
  'fix(server): pass the reason of a close on',
  'refactor(server/socket): focus on one thing',
  'feat(client)!: need a URL',
  `docs: ${'a'.repeat(66)}`,
])('accepts %j', (subject) => {
  const base = commit('Everything before the base is free.');
  commit(subject);
  expect(check(base)).toEqual({ status: 0, output: expect.stringContaining('Checked 1 commit') });
});

it.each([
  ['Give errors stable codes', 'is not of the form'],
  ['feature: give errors stable codes', 'is not of the form'],
  ['feat(Server): give errors stable codes', 'is not of the form'],
  ['feat:give errors stable codes', 'is not of the form'],
  [`docs: ${'a'.repeat(67)}`, 'has 73 characters'],
  ['fix: give errors codes.', 'ends with a period'],
  ['fix: Give errors codes', 'capital letter'],
  ['fix: gives errors codes', 'not an imperative'],
  ['fix: added codes', 'not an imperative'],
  ['fix: adding codes', 'not an imperative'],
])('refuses %j', (subject, problem) => {
  const base = commit('docs: begin');
  const hash = commit(subject).slice(0, 7);
  commit('docs: go on');
  const { status, output } = check(base);
  expect(status).toBe(1);
  expect(output).toContain(`${hash} ${JSON.stringify(subject)}`);
  expect(output).toContain(problem);
});

it('ignores merge commits, whose subject git writes', () => {
  const base = commit('docs: begin');
  const main = git('rev-parse', '--abbrev-ref', 'HEAD');
  git('checkout', '--quiet', '-b', 'other');
  commit('docs: write the other side');
  git('checkout', '--quiet', main);
  commit('docs: write this side');
  git('merge', '--quiet', '--no-edit', 'other');
  expect(check(base)).toEqual({ status: 0, output: expect.stringContaining('Checked 2 commit') });
});

it('checks the commits of a branch only, also if the base has moved on', () => {
  const main = commit('docs: begin') && git('rev-parse', '--abbrev-ref', 'HEAD');
  git('checkout', '--quiet', '-b', 'other');
  commit('docs: write the other side');
  git('checkout', '--quiet', main);
  const base = commit('Not of the branch.');
  git('checkout', '--quiet', 'other');
  expect(check(base)).toEqual({ status: 0, output: expect.stringContaining('Checked 1 commit') });
});

it('prints why it checks nothing: a base that a shallow clone lacks, or no repository', () => {
  const base = commit('docs: begin');
  commit('Not checked.');
  const origin = repository;
  repository = folder();
  git('clone', '--quiet', '--depth', '1', `file://${origin}`, '.');
  expect(check(base)).toEqual({
    status: 0,
    output: `Commit subjects are not checked: ${base} shares no history with HEAD here: this is a shallow clone\n`,
  });
  repository = folder();
  expect(check()).toEqual({
    status: 0,
    output: 'Commit subjects are not checked: this is not a git repository\n',
  });
});
