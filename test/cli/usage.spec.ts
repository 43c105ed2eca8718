import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import process from 'node:process';
import { COMMANDS } from '../../lib/cli/commands.js';
import { cli, cliHere } from '../support/cli.js';

const HOOK = pathToFileURL(join(process.cwd(), 'test/support/child/loaded-modules.mjs')).href;
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

describe('nestjs-envelope', () => {
  it('lists the commands, and exits with 2 without one', async () => {
    const [help, nothing] = await Promise.all([cli(['--help']), cli([])]);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const [name, { summary }] of Object.entries(COMMANDS))
      expect(help.stdout).toMatch(new RegExp(`^ {2}${name} +${summary}$`, 'm'));
    expect(nothing).toEqual({ code: 2, stdout: '', stderr: help.stdout });
  });

  it('prints the version', async () => {
    expect(await cli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('has a help for each command, with every option', async () => {
    for (const [name, { load }] of Object.entries(COMMANDS)) {
      const { command } = await load();
      const [result, same] = await Promise.all([cliHere([name, '--help']), cliHere(['help', name])]);
      expect(result).toEqual(same);
      expect(result).toMatchObject({ code: 0, stderr: '' });
      expect(result.stdout).toContain(`Usage: nestjs-envelope ${name} ${command.usage}`);
      for (const options of Object.values(command.options))
        for (const option of Object.keys(options)) expect(result.stdout).toContain(`--${option}`);
      expect(result.stdout).not.toContain('\x1b');
    }
  });

  it.each([
    [['wach'], 'unknown command "wach". Did you mean "watch"?'],
    [['frobnicate'], `unknown command "frobnicate". Valid commands: ${Object.keys(COMMANDS).join(', ')}`],
    [['__proto__'], 'unknown command "__proto__"'],
    [['ask', 'localhost', 'x', '--jsom'], 'unknown option --jsom. Did you mean --json?'],
    [['ask', 'localhost', 'x', '--frobnicate'], 'unknown option --frobnicate\n'],
    [['ask', 'localhost', 'x', '-z'], 'unknown option -z\n'],
    [['ask', 'localhost', 'x', '--json=1'], '--json takes no value, but got "1"'],
    [['ask', 'localhost', 'x', '--timeout'], '--timeout needs a value: --timeout <time>'],
    [['ask'], '<url> is missing'],
    [['ask', 'localhost'], '<event> is missing'],
    [['ask', 'localhost', 'x', '1', '2'], 'unexpected argument "2"'],
    [['ask', 'ftp://localhost', 'x'], 'url is "ftp://localhost": it takes an absolute ws:// or wss:// URL'],
    [['ask', 'localhost', '$auth'], '$auth'],
    [['ask', 'localhost', 'x', '--count', '1'], '--count is for --stream'],
    [['load', 'localhost', '--emit'], '--emit needs an event to send'],
    [['watch', 'localhost', '--subscribe', ' '], '--subscribe is empty'],
    [['load', 'localhost', 'x', '--clients', '1.5'], '--clients is "1.5": it takes a whole number from 1 on'],
    [['load', 'localhost', 'x', '--rate', '0'], '--rate is "0": it takes a number above 0'],
  ])('refuses a wrong command line with exit code 2: %p', async (args, message) => {
    const { code, stdout, stderr } = await cliHere(args);
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(message),
    });
  });

  it('loads only Node at the start, and never Nest', async () => {
    const loadedBy = async (...args: string[]): Promise<string[]> => {
      const { stderr } = await cli(args, { flags: ['--import', HOOK] });
      return stderr.split('\n').flatMap((line) => (line.startsWith('loaded ') ? [line.slice(7)] : []));
    };
    const isOwn = (url: string): boolean => /test\/\.cli\/\d+\/[\w-]+\.mjs$/.test(url);
    const start = await loadedBy('--help');
    expect(start.filter(isOwn).length).toBeGreaterThan(0);
    expect(start.filter((url) => !url.startsWith('node:') && !isOwn(url))).toEqual([]);
    const loaded = await loadedBy('ask', 'localhost:1', 'event');
    expect(loaded.some((url) => url.includes('/node_modules/ws/'))).toBe(true);
    expect(loaded.filter((url) => /node_modules\/(?!ws\/)/.test(url))).toEqual([]);
  });
});
