import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { NestFactory } from '@nestjs/core';
import { WebSocketGateway } from '@nestjs/websockets';
import { parse } from 'yaml';
import { contractToYaml, createContract, Emits, writeContract } from '../../lib/contract/index.js';
import { EnvelopeAdapter, EnvelopeModule } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { Child } from '../support/child.js';
import { GATEWAYS, JwtGuard, KeyGuard, OddGateway, RichModule } from './rich-app.js';

const OPTIONS = { title: 'Chat', version: '1.0' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contract-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('writeContract', () => {
  it('writes the same as JSON and as YAML', async () => {
    const app = await startApp({ providers: [...GATEWAYS, JwtGuard, KeyGuard] });
    const contract = await createContract(app.nest, OPTIONS);
    for (const name of ['a.json', 'a.yaml', 'a.YML']) {
      await writeContract(app.nest, join(folder, name), OPTIONS);
      const text = await readFile(join(folder, name), 'utf8');
      expect(name.endsWith('json') ? JSON.parse(text) : parse(text)).toEqual(contract);
      expect(text.endsWith('\n')).toBe(true);
    }
    expect((await readdir(folder)).sort()).toEqual(['a.YML', 'a.json', 'a.yaml']);
    expect(await readFile(join(folder, 'a.yaml'), 'utf8')).toBe(contractToYaml(contract));
    expect(parse(contractToYaml(contract), { version: '1.1' })).toEqual(contract);
  });

  it('refuses a name that says nothing of the format', async () => {
    const app = await startApp({ providers: [] });
    await expect(writeContract(app.nest, join(folder, 'contract.txt'), OPTIONS)).rejects.toThrow(
      /contract\.txt", and has to end in \.json, \.yaml or \.yml/,
    );
  });

  it('writes of an application in preview what it writes of the running one', async () => {
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

    const running = await readFile(join(folder, 'running.yaml'), 'utf8');
    expect(running).toContain('address: /default\n');
    expect(await readFile(join(folder, 'preview.yaml'), 'utf8')).toBe(running);
    expect(await readFile(join(folder, 'adapter.yaml'), 'utf8')).toBe(running);
  });

  it('asks for the path where only a factory knows it, which preview does not call', async () => {
    const imports = [EnvelopeModule.forRootAsync({ useFactory: () => ({ path: '/made' }) })];
    const module = { module: class AppModule {}, imports, providers: [OddGateway] };
    const preview = await NestFactory.create(module, { preview: true, logger: false });
    await expect(createContract(preview, OPTIONS)).rejects.toThrow(
      'OddGateway names no path, and the options of EnvelopeModule.forRootAsync',
    );
    const { channels } = await createContract(preview, { ...OPTIONS, path: '/made' });
    const { module: _, ...metadata } = module;
    const app = await startApp(metadata);
    expect(channels).toEqual((await createContract(app.nest, OPTIONS)).channels);
  });

  it("asks the adapter alone, where there is one: the module's options need not be its own", async () => {
    const module = {
      module: class AppModule {},
      imports: [EnvelopeModule.forRoot({ path: '/of-module' })],
      providers: [OddGateway],
    };
    const preview = await NestFactory.create(module, { preview: true, logger: false });
    preview.useWebSocketAdapter(new EnvelopeAdapter(preview.getHttpServer(), { upgradeGuards: false }));
    const { channels } = await createContract(preview, OPTIONS);
    expect(Object.values(channels).map(({ address }) => address)).toEqual(['/']);
  });

  it('makes nothing of the application: no provider, no port', async () => {
    const preview = await NestFactory.create(RichModule, { preview: true, logger: false });
    const { servers } = await createContract(preview, OPTIONS);
    expect(Object.keys(servers!)).toEqual(['application', 'port-3006']);
    expect((preview.getHttpServer() as { listening: boolean }).listening).toBe(false);
  });

  it('takes a context without an HTTP server', async () => {
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
  it('makes do with what TypeScript emits', async () => {
    const flags = [
      '--import',
      pathToFileURL(join(process.cwd(), 'test/support/child/without-peers.mjs')).href,
    ];
    const child = await Child.start('contract', { flags });
    expect(await child.ask('schemas')).toEqual({ Dto: { type: 'object' } });
    expect(await child.ask('installed')).toEqual([]);
  });
});
