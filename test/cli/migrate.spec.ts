import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { readArguments } from '../../lib/cli/arguments.js';
import { command } from '../../lib/cli/commands/migrate.js';
import { lineChanges } from '../../lib/cli/migration/line-changes.js';
import { Output } from '../../lib/cli/output.js';
import { filesAfter, filesBefore } from '../codemod/project.js';
import { readFiles, writeFiles, type Files } from '../support/projects.js';

describe('nestjs-envelope migrate', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'migrate-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const run = async (...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> => {
    const written = { out: '', err: '' };
    const stream = (name: 'out' | 'err') => ({ write: (text: string) => (written[name] += text) });
    const args = readArguments(command, [root, ...argv]);
    const output = new Output(argv.includes('--json'), stream('out'), stream('err'));
    const exitCode = await command.run({ args, output, signal: new AbortController().signal });
    return { exitCode, ...written };
  };
  const project = (files: Files): void => {
    writeFiles(root, files);
    symlinkSync(join(process.cwd(), 'node_modules'), join(root, 'node_modules'));
  };

  it('prints what it would change, and writes nothing', async () => {
    const before = filesBefore('ws-adapter');
    project(before);
    const { exitCode, out, err } = await run();
    expect(exitCode).toBe(0);
    expect(out).toContain(
      [
        'src/main.ts',
        "    2 - import { WsAdapter } from '@nestjs/platform-ws'",
        "    2 + import { EnvelopeAdapter } from 'nestjs-envelope'",
      ].join('\n'),
    );
    expect(out).toMatch(/\nInstall: npm install nestjs-envelope\n$/);
    expect(err).toBe('Nothing is written yet: add --write to change 4 files.\n');
    expect(readFiles(root)).toEqual(before);
  });

  it('writes the changes, and has none the second time', async () => {
    const ignored = {
      'dist/a.ts': "import { Socket } from 'socket.io';\nexport type A = Socket;\n",
    };
    project({ ...filesBefore('default-adapter'), ...ignored });
    const { out } = await run('--write');
    expect(out).toBe(
      'src/events.gateway.ts changed\nsrc/main.ts changed\n' +
        'Install: npm install nestjs-envelope @nestjs/platform-ws@12 engine.io socket.io-parser\n',
    );
    expect(readFiles(root)).toEqual({ ...filesAfter('default-adapter'), ...ignored });
    expect(await run('--write')).toEqual({ exitCode: 0, out: '', err: 'There is nothing to change.\n' });
  });

  it('lists what it leaves, with the section that helps', async () => {
    project(filesBefore('left'));
    const { out } = await run();
    expect(out).toContain(
      'Left to you (the pages are in node_modules/nestjs-envelope):\n  src/adapters.ts:6  options: EnvelopeAdapter has a member of this name: choose another. ' +
        'The class is unchanged\n      docs/migrating-from-socket.io.md#maints\n',
    );
  });

  it('prints JSON for scripts', async () => {
    project(filesBefore('left'));
    const { out } = await run('--json');
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ type: 'change', file: 'src/events.gateway.ts', isWritten: false });
    expect(lines.filter(({ type }) => type === 'left')).toContainEqual({
      type: 'left',
      file: 'src/main.ts',
      line: 10,
      reason: expect.stringContaining('Server of socket.io is used as a value'),
      section: 'docs/migrating-from-socket.io.md#gateways',
    });
    expect(lines.at(-1)).toMatchObject({ type: 'install', command: expect.stringMatching(/^npm install /) });
  });

  it('needs a project', async () => {
    await expect(run()).rejects.toMatchObject({
      code: 'ERR_ENVELOPE_INVALID_ARGUMENT',
      message: expect.stringContaining('[folder] has to be the folder of a project'),
    });
  });

  it('numbers lines as in the old file and in the new one', () => {
    expect(lineChanges('a\nb\nc\nd', 'a\nx\ny\nc\nd\ne')).toEqual([
      { sign: '-', line: 2, text: 'b' },
      { sign: '+', line: 2, text: 'x' },
      { sign: '+', line: 3, text: 'y' },
      { sign: '+', line: 6, text: 'e' },
    ]);
    expect(lineChanges('a\r\nb', 'a\r\nb')).toEqual([]);
  });
});
