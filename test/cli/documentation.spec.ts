import { readFileSync } from 'node:fs';
import { COMMANDS } from '../../lib/cli/commands.js';
import { EXIT } from '../../lib/cli/exit-codes.js';
import { LINES } from '../../lib/cli/connect/session.js';

describe('docs/cli.md', () => {
  const page = readFileSync('docs/cli.md', 'utf8');

  it('names every command, option and exit code, and no other option', async () => {
    const known = new Set(['--help', '--version', '--json']);
    for (const [name, { load }] of Object.entries(COMMANDS)) {
      expect(page).toMatch(new RegExp(`^\\| \\[\`${name}\`\\]`, 'm'));
      const { command } = await load();
      for (const options of Object.values(command.options))
        for (const option of Object.keys(options)) known.add(`--${option}`);
    }
    const named = new Set([...page.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([option]) => option));
    named.delete('--save-dev');
    expect([...known].filter((option) => !named.has(option) && option !== '--version')).toEqual([]);
    expect([...named].filter((option) => !known.has(option))).toEqual([]);
    for (const code of Object.values(EXIT)) expect(page).toMatch(new RegExp(`(^\\| |; )${code} `, 'm'));
  });

  it('names every line of connect', () => {
    for (const [example] of Object.values(LINES)) expect(page).toContain(`| \`${example}\``);
  });
});
