import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoClient } from '../socketio-clients/io-client.js';
import { RecordingLogger } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { writeFiles } from '../support/projects.js';
import { until } from '../support/wait.js';
import { filesAfter } from './project.js';

declare const NEST_MAJOR: 11 | 12;
declare const HTTP_PLATFORM: string;

const ROOT = process.cwd();
const NEST_11 = { '@nestjs/*': ['test/nest-11/node_modules/@nestjs/*', 'node_modules/@nestjs/*'] };

/** The options of a new Nest project, as far as they decide what compiles. */
const compilerOptions = (paths: Record<string, string[]>): object => ({
  module: 'esnext',
  moduleResolution: 'bundler',
  target: 'es2023',
  strict: true,
  strictPropertyInitialization: false,
  noImplicitOverride: true,
  isolatedModules: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: true,
  noEmit: true,
  types: ['node'],
  paths: Object.fromEntries(
    Object.entries(paths).map(([name, targets]) => [name, targets.map((target) => join(ROOT, target))]),
  ),
});

describe('what the codemod makes', () => {
  it('compiles', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'codemod-'));
    try {
      symlinkSync(join(ROOT, 'node_modules'), join(parent, 'node_modules'));
      const folder = join(parent, 'projects');
      const projects = ['redis', 'adapters', 'default-adapter', 'ws-adapter', 'monorepo'].flatMap((name) =>
        Object.entries(filesAfter(name)).map(([path, text]) => [`${name}/${path}`, text] as const),
      );
      const paths = {
        'nestjs-envelope': ['lib/index.ts'],
        'nestjs-envelope/socket.io': ['lib/socketio/index.ts'],
        ...(NEST_MAJOR === 11 && NEST_11),
      };
      // its error proves that the compiler read the projects
      const planted = { 'planted.ts': 'export const text: string = 1;\n' };
      writeFiles(folder, { ...Object.fromEntries(projects), ...planted });
      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: compilerOptions(paths) }),
      );
      const output = await new Promise<string>((resolve) => {
        const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
        execFile(
          process.execPath,
          [tsc, '-p', '.', '--pretty', 'false'],
          { cwd: folder },
          (_error, stdout, stderr) => resolve(stdout + stderr),
        );
      });
      expect(output).toMatch(/^planted\.ts\(1,14\): error TS2322: [^\n]+\n$/);
    } finally {
      rmSync(parent, { recursive: true, force: true });
    }
  });

  describe('runs', () => {
    const folder = join(ROOT, `test/.projects/codemod-${NEST_MAJOR}-${HTTP_PLATFORM}`);
    const { PORT } = process.env;
    let app: INestApplication | undefined;
    let bare: TestClient | undefined;

    beforeEach(() => {
      process.env.PORT = '0';
      const create = NestFactory.create.bind(NestFactory) as (
        ...args: unknown[]
      ) => Promise<INestApplication>;
      jest.spyOn(NestFactory, 'create').mockImplementation(async (module: unknown) => {
        app = await create(module, { logger: new RecordingLogger() });
        return app as never;
      });
    });
    afterEach(async () => {
      bare?.ws.terminate();
      await app?.close();
      app = undefined;
      jest.restoreAllMocks();
      if (PORT === undefined) delete process.env.PORT;
      else process.env.PORT = PORT;
      rmSync(folder, { recursive: true, force: true });
    });

    /** Starts a changed project. Resolves with its port. */
    const start = async (name: string): Promise<number> => {
      const { 'package.json': _, ...files } = filesAfter(name);
      writeFiles(join(folder, name), files);
      await import(join(folder, name, 'src/main.ts'));
      await until('app.listen()', () => app?.getHttpServer().listening === true);
      return (app!.getHttpServer().address() as AddressInfo).port;
    };
    const connect = async (url: string): Promise<TestClient> => {
      bare = new TestClient(url);
      await bare.opened();
      return bare;
    };

    it('and serves the clients of Socket.IO as before, and bare clients', async () => {
      const port = await start('default-adapter');
      const client = new IoClient(`http://127.0.0.1:${port}/events`, { path: '/live' });
      try {
        await client.connected();
        const other = await connect(`ws://127.0.0.1:${port}/events`);
        expect(await client.ask('identity', 7)).toEqual([7]);
        expect((await other.next('asked')).data).toBe(7);
        other.send('{"event":"identity","data":8,"id":1}');
        expect(await other.answer(1)).toEqual({ event: 'identity', data: 8, ack: 1 });
        expect(await client.next('asked')).toEqual([7]);
      } finally {
        client.destroy();
      }
    });

    it('and serves the clients of WsAdapter as before', async () => {
      const port = await start('ws-adapter');
      const client = await connect(`ws://127.0.0.1:${port}/live`);
      expect(await client.next('hello')).toEqual({ event: 'hello', data: '/live' });
      const other = new TestClient(`ws://127.0.0.1:${port}/live`);
      try {
        await other.opened();
        await other.next('hello');
        other.send('{"event":"news","data":"snow"}');
        expect((await client.next('news')).data).toBe('snow');
      } finally {
        other.ws.terminate();
      }
    });
  });
});
