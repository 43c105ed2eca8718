import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { NestFactory } from '@nestjs/core';
import { WebSocketGateway } from '@nestjs/websockets';
import { parse } from 'yaml';
import { contractToYaml, createContract, Emits, writeContract } from '../../lib/contract/index.js';
import { EnvelopeAdapter, EnvelopeModule } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { Child } from '../support/child.js';
import { GATEWAYS, JwtGuard, KeyGuard, SpecialNamesGateway, RichModule } from './rich-app.js';

const OPTIONS = { title: 'Chat', version: '1.0' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contract-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('title and version', () => {
  const [, script] = process.argv;
  afterEach(() => {
    process.argv[1] = script!;
  });

  /** Returns the info of a contract created by an application whose script is this file. */
  const infoIn = async (file: string): Promise<object> => {
    process.argv[1] = file;
    const app = await startApp({ providers: [] });
    return (await createContract(app.nest)).info;
  };
  /** Creates a folder with these JSON files. */
  const project = async (files: Record<string, object>): Promise<string> => {
    const root = await mkdtemp(join(folder, 'project-'));
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), JSON.stringify(content));
    }
    return root;
  };

  it('come from the nearest package.json of the application with a name', async () => {
    const root = await project({
      'package.json': { name: 'shop', version: '1.2.3' },
      'dist/package.json': { type: 'commonjs' },
    });
    expect(await infoIn(join(root, 'dist/main.js'))).toEqual({ title: 'shop', version: '1.2.3' });
    expect(await infoIn(join(root, 'src/deep/er/main.ts'))).toEqual({ title: 'shop', version: '1.2.3' });
  });

  it('do not come from a package that runs the scripts of the application', async () => {
    const root = await project({ 'node_modules/runner/package.json': { name: 'runner', version: '9.9.9' } });
    const own = JSON.parse(await readFile('package.json', 'utf8')) as { name: string; version: string };
    expect(await infoIn(join(root, 'node_modules/runner/bin.js'))).toEqual({
      title: own.name,
      version: own.version,
    });
  });

  it('have defaults if no package.json contains them', async () => {
    const root = await project({ 'package.json': { name: 'shop' } });
    expect(await infoIn(join(root, 'main.js'))).toEqual({ title: 'shop', version: '0.0.0' });
    const before = process.cwd();
    process.chdir('/');
    try {
      expect(await infoIn('/main.js')).toEqual({ title: 'Application', version: '0.0.0' });
    } finally {
      process.chdir(before);
    }
  });

  it('can be set in the options, each separately', async () => {
    const root = await project({ 'package.json': { name: 'shop', version: '1.2.3' } });
    process.argv[1] = join(root, 'main.js');
    const app = await startApp({ providers: [] });
    expect((await createContract(app.nest, { title: 'Chat' })).info).toEqual({
      title: 'Chat',
      version: '1.2.3',
    });
    await writeContract(app.nest, join(root, 'a.json'));
    expect(JSON.parse(await readFile(join(root, 'a.json'), 'utf8'))).toMatchObject({
      info: { title: 'shop', version: '1.2.3' },
    });
  });
});

describe('writeContract', () => {
  it('writes the same contract as JSON and as YAML', async () => {
    const app = await startApp({ providers: [...GATEWAYS, JwtGuard, KeyGuard] });
    const contract = await createContract(app.nest, OPTIONS);
    for (const name of ['a.json', 'a.yaml', 'a.YML']) {
      await writeContract(app.nest, join(folder, name), OPTIONS);
      const text = await readFile(join(folder, name), 'utf8');
      expect(name.endsWith('json') ? JSON.parse(text) : parse(text)).toEqual(contract);
      expect(text.endsWith('\n')).toBe(true);
    }
    const written = (await readdir(folder)).filter((name) => /^a\./.test(name));
    expect(written.sort()).toEqual(['a.YML', 'a.json', 'a.yaml']);
    expect(await readFile(join(folder, 'a.yaml'), 'utf8')).toBe(contractToYaml(contract));
    expect(parse(contractToYaml(contract), { version: '1.1' })).toEqual(contract);
  });

  it('rejects a file name without a known format', async () => {
    const app = await startApp({ providers: [] });
    await expect(writeContract(app.nest, join(folder, 'contract.txt'), OPTIONS)).rejects.toThrow(
      /contract\.txt": it takes a name that ends in \.json, \.yaml or \.yml/,
    );
  });

  it('writes the same contract in preview mode and for the running application', async () => {
    const imports = [EnvelopeModule.forRoot({ path: '/default' })];
    const providers = [...GATEWAYS, JwtGuard, KeyGuard];
    const app = await startApp({ imports, providers });
    await writeContract(app.nest, join(folder, 'running.yaml'), OPTIONS);

    class AppModule {}
    const module = { module: AppModule, imports, providers };
    const preview = await NestFactory.create(module, { preview: true, logger: false });
    await writeContract(preview, join(folder, 'preview.yaml'), OPTIONS);
    preview.useWebSocketAdapter(new EnvelopeAdapter(preview));
    await writeContract(preview, join(folder, 'adapter.yaml'), OPTIONS);
    // This needs no HTTP platform.
    const context = await NestFactory.createApplicationContext(module, { preview: true, logger: false });
    await writeContract(context, join(folder, 'context.yaml'), OPTIONS);

    const running = await readFile(join(folder, 'running.yaml'), 'utf8');
    expect(running).toContain('address: /default\n');
    expect(await readFile(join(folder, 'preview.yaml'), 'utf8')).toBe(running);
    expect(await readFile(join(folder, 'adapter.yaml'), 'utf8')).toBe(running);
    expect(await readFile(join(folder, 'context.yaml'), 'utf8')).toBe(running);
  });

  it('requires the path if only a factory knows it, because preview mode does not call factories', async () => {
    const imports = [EnvelopeModule.forRootAsync({ useFactory: () => ({ path: '/made' }) })];
    const module = { module: class AppModule {}, imports, providers: [SpecialNamesGateway] };
    const preview = await NestFactory.create(module, { preview: true, logger: false });
    await expect(createContract(preview, OPTIONS)).rejects.toThrow(
      'SpecialNamesGateway has no path, and preview does not create the options of EnvelopeModule.forRootAsync',
    );
    const { channels } = await createContract(preview, { ...OPTIONS, path: '/made' });
    const { module: _, ...metadata } = module;
    const app = await startApp(metadata);
    expect(channels).toEqual((await createContract(app.nest, OPTIONS)).channels);
  });

  it('uses only the adapter if one exists, and ignores the options of the module', async () => {
    const module = {
      module: class AppModule {},
      imports: [EnvelopeModule.forRoot({ path: '/of-module' })],
      providers: [SpecialNamesGateway],
    };
    const preview = await NestFactory.create(module, { preview: true, logger: false });
    preview.useWebSocketAdapter(new EnvelopeAdapter(preview.getHttpServer(), { upgradeGuards: false }));
    const { channels } = await createContract(preview, OPTIONS);
    expect(Object.values(channels).map(({ address }) => address)).toEqual(['/']);
  });

  it('creates no provider and opens no port', async () => {
    const preview = await NestFactory.create(RichModule, { preview: true, logger: false });
    const { servers } = await createContract(preview, OPTIONS);
    expect(Object.keys(servers!)).toEqual(['application', 'port-3006']);
    expect((preview.getHttpServer() as { listening: boolean }).listening).toBe(false);
  });

  it('accepts a context without an HTTP server', async () => {
    @Emits('said', String)
    @WebSocketGateway()
    class Gateway {}
    const context = await NestFactory.createApplicationContext(
      { module: class AppModule {}, providers: [Gateway] },
      { preview: true, logger: false },
    );
    expect(Object.keys((await createContract(context, OPTIONS)).operations)).toEqual(['root.emits.said']);
  });
});

describe('createContract without the optional peers', () => {
  it('uses only what TypeScript emits', async () => {
    const flags = [
      '--import',
      pathToFileURL(join(process.cwd(), 'test/support/child/without-peers.mjs')).href,
    ];
    const child = await Child.start('contract', { flags });
    expect(await child.ask('schemas')).toEqual({ Dto: { type: 'object' } });
    expect(await child.ask('installed')).toEqual([]);
  });
});
