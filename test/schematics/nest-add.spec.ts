import type { AddressInfo } from 'node:net';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RecordingLogger } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { changedFiles, expectGolden, readFiles, writeFiles, type Files } from '../support/projects.js';
import { until } from '../support/wait.js';
import { Schematics } from './runner.js';

declare const NEST_MAJOR: 11 | 12;
declare const HTTP_PLATFORM: string;

const PROJECTS = join(process.cwd(), 'test/schematics/projects');
const projectBefore = (name: string): Files => readFiles(join(PROJECTS, name, 'before'));
const main = (text: string): Files => ({ ...projectBefore('nest-11'), 'src/main.ts': text });

let schematics: Schematics;
const add = (files: Files, options: object = {}) => schematics.run('nest-add', options, files);

describe('nest add nestjs-envelope', () => {
  beforeAll(async () => {
    schematics = await Schematics.compile();
  });
  afterAll(() => schematics.remove());

  it.each(['nest-11', 'nest-12'])(
    'adds the adapter and the packages to a new project of %s',
    async (name) => {
      const before = projectBefore(name);
      const { files, log, installs } = await add(before, { sourceRoot: 'src' });
      expectGolden(join(PROJECTS, name, 'after'), changedFiles(before, files));
      expect(log).toEqual([
        'package.json: added @nestjs/websockets and @nestjs/platform-ws',
        'src/main.ts: added EnvelopeAdapter. Next: a gateway, with nest generate gateway.',
        'Tests that create the application need the adapter as well: see docs/testing.md.',
      ]);
      expect(installs).toEqual(['npm']);
    },
  );

  it('changes nothing when it runs again', async () => {
    const { files } = await add(projectBefore('nest-12'));
    const again = await add(files);
    expect(again).toEqual({ files, log: ['src/main.ts has EnvelopeAdapter already.'], installs: [] });
  });

  it('finds the project of a monorepo by name, and keeps the style of its files', async () => {
    const before = projectBefore('monorepo');
    const { files } = await add(before, { project: 'live' });
    expectGolden(join(PROJECTS, 'monorepo/after'), changedFiles(before, files));
    const bySourceRoot = await add(before, { sourceRoot: 'apps/live/src' });
    expect(bySourceRoot.files).toEqual(files);
  });

  it('finds the default project of a monorepo', async () => {
    const before = projectBefore('monorepo');
    const { files } = await add(before);
    expect(Object.keys(changedFiles(before, files))).toEqual(['package.json', 'apps/api/src/main.ts']);
  });

  it('names the projects when it is given another', async () => {
    const { log } = await add(projectBefore('monorepo'), { project: 'chat' });
    expect(log.at(-1)).toBe(
      'main.ts is unchanged: nest-cli.json has no project chat. Projects: api, live, shared.',
    );
  });

  it.each([
    ['pnpm-lock.yaml', 'pnpm'],
    ['yarn.lock', 'yarn'],
  ])('installs with the package manager of %s', async (lock, manager) => {
    const { installs } = await add({ ...projectBefore('nest-11'), [lock]: '' });
    expect(installs).toEqual([manager]);
    const skipped = await add({ ...projectBefore('nest-11'), [lock]: '' }, { skipInstall: true });
    expect(skipped.installs).toEqual([]);
  });

  describe('leaves an unusual main.ts as it is, and says what to do', () => {
    it.each([
      ['const x = 1;', 'in line 1, it does not call NestFactory.create'],
      [
        "import { NestFactory } from '@nestjs/core';\nvoid NestFactory.createMicroservice(AppModule);",
        'in line 2, it calls NestFactory.createMicroservice, which serves no gateways, and not NestFactory.create',
      ],
      [
        "import { NestFactory } from '@nestjs/core';\nNestFactory.create(AppModule).then((app) => app.listen(3000));",
        'in line 2, the result of NestFactory.create is not assigned to a variable',
      ],
      [
        "import { NestFactory } from '@nestjs/core';\nconst a = await NestFactory.create(A);\nconst b = await NestFactory.create(B);",
        'in line 3, it calls NestFactory.create more than once',
      ],
      [
        "import { NestFactory } from '@nestjs/core';\nconst app = await NestFactory.create(A);\napp.useWebSocketAdapter(new WsAdapter(app));",
        'in line 3, it has app.useWebSocketAdapter(new WsAdapter(app)) already. Replace it',
      ],
      [
        "import { NestFactory } from '@nestjs/core';\nconst app = await NestFactory.create(A;",
        'syntax errors',
      ],
      // not Nest's own factory
      [
        "import { NestFactory } from './factory';\nconst app = await NestFactory.create(A);",
        'it does not call NestFactory.create',
      ],
    ])('%#', async (text, reason) => {
      const before = main(text);
      const { files, log } = await add(before);
      expect(Object.keys(changedFiles(before, files))).toEqual(['package.json']);
      expect(log.at(-1)).toContain(`src/main.ts is unchanged: ${reason.startsWith('in') ? reason : ''}`);
      expect(log.at(-1)).toContain(reason);
      expect(log.at(-1)).toContain('app.useWebSocketAdapter(new EnvelopeAdapter(app));');
    });

    it('without main.ts', async () => {
      const { 'src/main.ts': _, ...before } = projectBefore('nest-11');
      expect((await add(before)).log.at(-1)).toContain('src/main.ts is unchanged: it does not exist.');
    });

    it('with the adapter in another file', async () => {
      const before = {
        ...projectBefore('nest-11'),
        'src/setup/app.ts': 'export const setUp = (app) => app.useWebSocketAdapter(new IoAdapter(app));',
        'src/setup/app.spec.ts': '',
      };
      expect((await add(before)).log.at(-1)).toContain('src/setup/app.ts calls useWebSocketAdapter.');
    });
  });

  it.each([
    [{ dependencies: { '@nestjs/core': '^10.4.0' } }, 'and package.json has 10.'],
    [{ dependencies: { express: '^5.0.0' } }, 'and package.json has neither.'],
  ])('changes nothing without Nest 11 or 12: %j', async (manifest, reason) => {
    const before = { ...projectBefore('nest-11'), 'package.json': JSON.stringify(manifest) };
    const { files, log } = await add(before);
    expect(files).toEqual(before);
    expect(log).toEqual([expect.stringContaining(reason)]);
  });

  it('reads the major of an installed package where the range has none', async () => {
    const before = {
      ...projectBefore('nest-11'),
      'package.json': JSON.stringify({ dependencies: { '@nestjs/core': 'catalog:' } }),
      'node_modules/@nestjs/core/package.json': JSON.stringify({ version: '12.5.1' }, null, 2),
    };
    expect(JSON.parse((await add(before)).files['package.json']!)).toMatchObject({
      dependencies: { '@nestjs/websockets': '^12.0.0', '@nestjs/platform-ws': '^12.0.0' },
    });
  });

  it('changes nothing without package.json', async () => {
    expect((await add({ 'src/main.ts': '' })).log).toEqual([
      expect.stringContaining('no valid package.json'),
    ]);
  });

  it('makes an application whose gateway answers, with all options that it suggests', async () => {
    const folder = join(process.cwd(), `test/.projects/nest-add-${NEST_MAJOR}-${HTTP_PLATFORM}`);
    const { files } = await add(projectBefore(`nest-${NEST_MAJOR}`));
    files['src/main.ts'] = files['src/main.ts']!.replace(/^(\s+)\/\/ (\w+: )/gm, '$1$2');
    writeFiles(folder, files);
    const { PORT } = process.env;
    process.env.PORT = '0';
    let app: INestApplication | undefined;
    const create = NestFactory.create.bind(NestFactory) as (...args: unknown[]) => Promise<INestApplication>;
    jest
      .spyOn(NestFactory, 'create')
      .mockImplementation(
        async (module: unknown) => (app = await create(module, { logger: new RecordingLogger() })) as never,
      );
    let client: TestClient | undefined;
    try {
      await import(join(folder, 'src/main.ts'));
      await until('app.listen()', () => app?.getHttpServer().listening === true);
      const { port } = app!.getHttpServer().address() as AddressInfo;
      client = new TestClient(`ws://127.0.0.1:${port}/ws`);
      await client.opened();
      client.send('{"event":"message","data":"hi","id":1}');
      expect(await client.answer(1)).toEqual({ event: 'message', data: 'hi', ack: 1 });
    } finally {
      client?.ws.terminate();
      await app?.close();
      jest.restoreAllMocks();
      if (PORT === undefined) delete process.env.PORT;
      else process.env.PORT = PORT;
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
