import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { jest } from '@jest/globals';
import { contractToTypes, type Contract } from '../../lib/contract/index.js';
import { GATEWAYS, GameGateway, JwtGuard, KeyGuard, RoomGateway } from '../contract/rich-app.js';
import { Cli, cli, cliHere, jsonLines } from '../support/cli.js';
import { closeServers, contractOf, Folder, serve, startExplorer } from './contract-fixture.js';
import { until } from '../support/wait.js';

describe('nestjs-envelope types', () => {
  let folder: Folder;
  let out: string;
  beforeEach(async () => {
    folder = await Folder.create();
    out = folder.file('events.ts');
  });
  afterEach(async () => {
    await closeServers();
    await folder.remove();
  });
  const written = (): Promise<string> => readFile(out, 'utf8');

  it('writes the file, from YAML and from JSON, unless it is up to date', async () => {
    const contract = await contractOf([...GATEWAYS, JwtGuard, KeyGuard]);
    const [yaml, json] = [await folder.write('a.yaml', contract), await folder.write('a.json', contract)];
    expect(await cliHere(['types', yaml, '--out', out])).toEqual({
      code: 0,
      stdout: '',
      stderr: `wrote ${out}\n`,
    });
    expect(await written()).toBe(await readFile('test/contract/golden/rich.ts', 'utf8'));
    const { ino, mtimeMs } = await stat(out);
    expect(await cliHere(['types', json, '--out', out])).toEqual({
      code: 0,
      stdout: '',
      stderr: `${out} is up to date\n`,
    });
    expect(await stat(out)).toMatchObject({ ino, mtimeMs });
    expect(await readdir(folder.path)).toEqual(['a.json', 'a.yaml', 'events.ts']);
  });

  it('prints the types without --out, and takes the contract from standard input', async () => {
    const contract = await contractOf([RoomGateway]);
    const expected = await contractToTypes(contract);
    const file = await folder.write('a.yaml', contract);
    expect(await cliHere(['types', file])).toEqual({ code: 0, stdout: expected, stderr: '' });
    const [piped, json] = await Promise.all([
      cli(['types', '-'], { input: JSON.stringify(contract) }),
      cliHere(['types', file, '--json']),
    ]);
    expect(piped).toEqual({ code: 0, stdout: expected, stderr: '' });
    expect(jsonLines(json.stdout)).toEqual([{ type: 'types', text: expected }]);
  });

  it('compares with --check, and writes nothing', async () => {
    const file = await folder.write('a.yaml', await contractOf([RoomGateway]));
    const check = ['types', file, '--out', out, '--check'];
    expect(await cliHere(check)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not exist'),
    });
    expect(await readdir(folder.path)).toEqual(['a.yaml']);
    await cliHere(['types', file, '--out', out]);
    expect(await cliHere(check)).toEqual({ code: 0, stdout: '', stderr: `${out} is up to date\n` });
    await writeFile(out, `${await written()}// by hand\n`);
    expect(await cliHere(check)).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: ${out} differs from the contract\nThe same command without --check writes it.\n`,
    });
    expect(await written()).toMatch(/by hand\n$/);
    const json = await cliHere([...check, '--json']);
    expect(jsonLines(json.stdout)).toEqual([
      { type: 'error', message: `${out} differs from the contract`, file: out },
    ]);
  });

  it('exits with 2 for what is no contract of this package', async () => {
    const file = folder.file('a.yaml');
    for (const [text, problem] of [
      ['openapi: 3.0.0', 'it is not an AsyncAPI document'],
      ['asyncapi: 2.6.0', 'it is AsyncAPI "2.6.0", not 3.0.0'],
      ['a: [', 'it is neither JSON nor YAML: '],
    ] as const) {
      await writeFile(file, text);
      const { code, stderr } = await cliHere(['types', file, '--out', out]);
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining(`error: ${file} is no contract of nestjs-envelope: ${problem}`),
      ]);
    }
    expect(await readdir(folder.path)).toEqual(['a.yaml']);
  });

  it.each([
    [['types'], '<contract> is missing'],
    [
      ['types', 'ws://localhost:3000'],
      '<contract> is "ws://localhost:3000": it takes a file, or a URL of http',
    ],
    [['types', 'no.yaml'], '<contract> is "no.yaml": ENOENT'],
    [['types', 'a.yaml', '--check'], '--check compares a file, and --out is missing'],
    [['types', 'a.yaml', '--out', './a.yaml'], '--out is the contract itself'],
    [['types', 'a.yaml', '--out', ''], '--out is empty'],
    [['types', 'a.yaml', '--watch'], '--watch writes a file, and --out is missing'],
    [['types', 'a.yaml', '--out', 'b.ts', '--watch', '--check'], '--watch and --check exclude each other'],
    [['types', 'a.yaml', '--interval', '1s'], '--interval is for --watch'],
    [['types', '-', '--out', 'b.ts', '--watch'], 'which standard input does not allow'],
    [['types', 'package.json', '--out', 'no/b.ts'], 'is no contract of nestjs-envelope'],
  ])('exits with 2 for the command line %j', async (args, message) => {
    const { code, stderr } = await cliHere(args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr).toMatch(/^error: /);
  });

  it('names a missing folder', async () => {
    const file = await folder.write('a.json', await contractOf([RoomGateway]));
    const { code, stderr } = await cliHere(['types', file, '--out', folder.file('no/b.ts')]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`the folder ${folder.file('no')} does not exist`),
    ]);
  });

  it('warns of a schema that the library refuses, and goes on', async () => {
    const contract = await contractOf([]);
    const schemas = { Refused: { type: 'array', minItems: 2, maxItems: 1 } };
    const file = await folder.write('a.json', {
      ...contract,
      components: { ...contract.components, schemas },
    });
    const print = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const message = 'json-schema-to-typescript refuses components.schemas.Refused. Its type is unknown';
    expect(await cliHere(['types', file, '--out', out])).toEqual({
      code: 0,
      stdout: '',
      stderr: `warning: ${message}\nwrote ${out}\n`,
    });
    const { stdout } = await cliHere(['types', file, '--out', out, '--json']);
    expect(jsonLines(stdout)).toEqual([
      { type: 'warning', message },
      { type: 'unchanged', file: out },
    ]);
    print.mockRestore();
  });

  it('reads the contract of a running application: its URL, or that of the explorer', async () => {
    const page = await startExplorer([RoomGateway]);
    const texts: string[] = [];
    for (const url of [page, `${page}/#/ws-chat/say`, `${page}/asyncapi.json`, `${page}/asyncapi.yaml`]) {
      const { code, stdout, stderr } = await cliHere(['types', url]);
      expect([url, code, stderr]).toEqual([url, 0, '']);
      texts.push(stdout);
    }
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).toContain('export function connectRoomsRoom');
  });

  it('exits with 3 where nobody answers, and with 1 for another answer', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/cut') request.socket.destroy();
      else response.writeHead(503).end('busy');
    });
    const [busy, cut, json] = await Promise.all([
      cliHere(['types', `${url}/busy`]),
      cliHere(['types', `${url}/cut`]),
      cliHere(['types', `${url}/cut`, '--json']),
    ]);
    expect(busy).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: could not read ${url}/busy: HTTP status 503\n`,
    });
    expect(cut).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`error: could not read ${url}/cut: `),
    });
    expect(jsonLines(json.stdout)).toMatchObject([{ type: 'error', exitCode: 3 }]);
  });

  it('loads neither Nest nor the library of types before they are needed', async () => {
    const hook = pathToFileURL(join(process.cwd(), 'test/support/child/loaded-modules.mjs')).href;
    const file = await folder.write('a.json', await contractOf([RoomGateway]));
    const { stderr, code } = await cli(['types', file, '--out', out], { flags: ['--import', hook] });
    expect([code, stderr]).toEqual([0, expect.stringContaining('json-schema-to-typescript')]);
    expect(stderr).not.toContain('@nestjs');
  });

  describe('--watch', () => {
    const watching = (source: string): Cli =>
      new Cli(['types', source, '--out', out, '--watch', '--interval', '20ms']);
    /** Waits longer than `until`: a process starts, and loads the library of types. */
    const prints = (watch: Cli, text: string): Promise<void> =>
      until(text, () => watch.stderr.includes(text));
    const ends = async (watch: Cli): Promise<string> => {
      watch.process.kill('SIGINT');
      const { code, stdout, stderr } = await watch.ended;
      expect([code, stdout]).toEqual([130, '']);
      return stderr;
    };
    let rooms: Contract;
    let games: Contract;
    beforeEach(async () => {
      rooms = await contractOf([RoomGateway]);
      games = await contractOf([GameGateway]);
    });

    it('writes the file again when the contract changes', async () => {
      const file = await folder.write('a.json', rooms);
      const watch = watching(file);
      await prints(watch, 'wrote');
      expect(await written()).toContain('connectRoomsRoom');
      // the same contract in another form
      await folder.writeText('a.json', JSON.stringify(rooms, null, 2));
      await prints(watch, 'up to date');
      await folder.writeText('a.json', '{"asyncapi": ');
      await prints(watch, 'neither JSON nor YAML');
      await folder.write('a.json', games);
      await until('the second file', async () => (await written()).includes('connectGamesName'));
      const lines = (await ends(watch)).trimEnd().split('\n');
      expect(lines).toEqual([
        `watching ${file}`,
        `wrote ${out}`,
        `${out} is up to date`,
        expect.stringMatching(/^error: .* is neither JSON nor YAML/),
        `wrote ${out}`,
      ]);
    });

    it('waits for an application that restarts', async () => {
      let answer: 'cut' | 'busy' | Contract = 'cut';
      const url = await serve((request, response) => {
        if (answer === 'cut') request.socket.destroy();
        else if (answer === 'busy') response.writeHead(503).end();
        else response.end(JSON.stringify(answer));
      });
      const watch = watching(url);
      await prints(watch, 'could not read');
      answer = rooms;
      await prints(watch, 'wrote');
      answer = 'busy';
      await prints(watch, 'HTTP status 503');
      answer = rooms;
      await prints(watch, `read ${url} again: no change`);
      answer = games;
      await until('the second file', async () => (await written()).includes('connectGamesName'));
      const lines = (await ends(watch)).trimEnd().split('\n');
      expect(lines.filter((line) => line.startsWith('wrote'))).toHaveLength(2);
      expect(lines.filter((line) => line.includes('503'))).toHaveLength(1);
    });

    it('ends where it can never write', async () => {
      const file = await folder.write('a.json', rooms);
      const { code, stderr } = await cliHere(['types', file, '--watch', '--out', folder.file('no/b.ts')]);
      expect([code, stderr]).toEqual([2, expect.stringContaining('does not exist')]);
    });
  });
});
