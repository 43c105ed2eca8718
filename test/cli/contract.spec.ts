import { readdir, readFile, writeFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { contractToYaml } from '../../lib/contract/index.js';
import { ChatGateway, JwtGuard, KeyGuard, RoomGateway } from '../contract/rich-app.js';
import { cliHere, jsonLines } from '../support/cli.js';
import { contractOf, Folder, startExplorer } from './contract-fixture.js';

describe('nestjs-envelope contract', () => {
  let folder: Folder;
  beforeEach(async () => {
    folder = await Folder.create();
  });
  afterEach(() => folder.remove());

  it('prints the paths and events', async () => {
    const file = await folder.write(
      'a.yaml',
      await contractOf([ChatGateway, JwtGuard, KeyGuard, RoomGateway]),
    );
    const { code, stdout, stderr } = await cliHere(['contract', file]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      [
        'Chat 1.0  AsyncAPI 3.0.0',
        '',
        '/rooms/{room}  RoomGateway',
        '     event   data        answer      handler',
        '  >  draw    PlaceDto[]  PlaceDto[]  RoomGateway.draw',
        '  >  author  -           AuthorDto   RoomGateway.author',
        '',
        '/ws/chat  ChatGateway',
        '     event     data        answer            handler',
        '  >  say       SayDto      Said              ChatGateway.say (deprecated)',
        '  >  presence  -           number            ChatGateway.presence',
        '  >  ticks     -           stream of number  ChatGateway.ticks',
        '  >  move      object      any               ChatGateway.move',
        '  >  ping      any         string            ChatGateway.ping',
        '  <  said      Said                          ChatGateway',
        '  <  count     number                        ChatGateway',
        '  <  places    PlaceDto[]                    ChatGateway',
        '  <  moved     object                        ChatGateway',
        '  <  bye       -                             ChatGateway',
        '  <  joined    string                        ChatGateway',
        '  <  typing    boolean                       ChatGateway.presence',
        '',
      ].join('\n'),
    );
  });

  it('prints one event a line for scripts', async () => {
    const file = await folder.write('a.yaml', await contractOf([ChatGateway, JwtGuard, KeyGuard]));
    const rows = jsonLines((await cliHere(['contract', file, '--json'])).stdout);
    expect(rows[0]).toEqual({
      path: '/ws/chat',
      event: 'say',
      from: 'client',
      data: 'SayDto',
      answer: 'Said',
      deprecated: true,
      handlers: ['ChatGateway.say'],
    });
    expect(rows.at(-1)).toEqual({
      path: '/ws/chat',
      event: 'typing',
      from: 'server',
      data: 'boolean',
      handlers: ['ChatGateway.presence'],
    });
  });

  it('copies the contract of a running application to a file, and compares it', async () => {
    const url = await startExplorer([RoomGateway]);
    const contract = await contractOf([RoomGateway]);
    const [yaml, json] = [folder.file('a.yaml'), folder.file('a.json')];
    for (const file of [yaml, json])
      expect(await cliHere(['contract', url, '--out', file])).toMatchObject({
        code: 0,
        stderr: `wrote ${file}\n`,
      });
    expect(await readFile(yaml, 'utf8')).toBe(contractToYaml(contract));
    expect(parse(await readFile(json, 'utf8'))).toEqual(contract);
    const check = ['contract', url, '--out', yaml, '--check'];
    expect((await cliHere(check)).code).toBe(0);
    await writeFile(yaml, 'asyncapi: 3.0.0\n');
    expect(await cliHere(check)).toMatchObject({ code: 1, stderr: expect.stringContaining('differs') });
    expect(await readdir(folder.path)).toEqual(['a.json', 'a.yaml']);
  });

  it('exits with 2 for what it does not understand', async () => {
    const empty = await folder.write('a.json', await contractOf([]));
    const results = [
      await cliHere(['contract', empty, '--out', folder.file('a.txt')]),
      await cliHere(['contract', 'package.json']),
      await cliHere(['contract', folder.file('no.yaml')]),
    ];
    expect(results).toEqual([
      {
        code: 2,
        stdout: '',
        stderr: expect.stringContaining('it takes a name that ends in .json, .yaml or .yml'),
      },
      {
        code: 2,
        stdout: '',
        stderr: expect.stringContaining('package.json is no contract of nestjs-envelope'),
      },
      { code: 2, stdout: '', stderr: expect.stringContaining('ENOENT') },
    ]);
    expect((await cliHere(['contract', empty])).stdout).toMatch(/^Chat 1\.0 .*\nno gateways\n$/);
  });

  it('escapes what a terminal would interpret', async () => {
    const contract = await contractOf([]);
    const info = { title: 'a\x1b[31mb\u009b', version: '1' };
    const file = await folder.write('a.json', { ...contract, info });
    expect((await cliHere(['contract', file])).stdout).toMatch(/^a\\u001b\[31mb\\u009b 1/);
  });
});
