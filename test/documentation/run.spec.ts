import { spawn } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { isDeepStrictEqual } from 'node:util';
import { jest } from '@jest/globals';
import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { EnvelopeAdapter, type EnvelopeServer } from '../../lib/index.js';
import { IoClient } from '../socketio-clients/io-client.js';
import { RecordingLogger } from '../support/app.js';
import { TestClient, type ConnectOptions } from '../support/client.js';
import { writeBlocks, type Block } from '../support/documentation.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

declare const NEST_MAJOR: number;
declare const HTTP_PLATFORM: string;

const FOLDER = join(process.cwd(), `test/.documentation/run-${NEST_MAJOR}-${HTTP_PLATFORM}`);

let blocks: Block[];
beforeAll(() => {
  blocks = writeBlocks(FOLDER);
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const load = (program: string, file: string): Promise<object> => import(join(FOLDER, program, file));

describe('the imports and declarations of the documents', () => {
  expectNoUnhandledErrors();

  it('run as printed', async () => {
    const skipped = blocks.filter(({ notRun }) => notRun !== undefined);
    for (const { document, line, notRun } of skipped)
      process.stderr.write(`${document}, line ${line}: not run, ${notRun!}\n`);
    const modules = blocks.filter(
      ({ file, notRun }) => notRun === undefined && !/^(main|contract|.*spec)\.ts$/.test(file),
    );
    expect(modules.length).toBeGreaterThan(9);
    for (const { program, file } of modules) {
      const { stop } = (await load(program, file)) as { stop?: () => void };
      // Subscriptions belong to the process, which runs other spec files next.
      stop?.();
    }
    const limits = channel('nestjs-envelope.limit');
    expect(limits.hasSubscribers).toBe(false);
  });
});

describe('the programs of the documents', () => {
  expectNoUnhandledErrors();
  const clients: TestClient[] = [];
  let app: INestApplication | undefined;
  const { PORT } = process.env;

  beforeEach(() => {
    process.env.PORT = '0';
    const create = NestFactory.create.bind(NestFactory) as (...args: unknown[]) => Promise<INestApplication>;
    jest.spyOn(NestFactory, 'create').mockImplementation(async (module: unknown, options?: unknown) => {
      app = await create(module, { ...(options as object), logger: new RecordingLogger() });
      return app as never;
    });
  });
  afterEach(async () => {
    for (const { ws } of clients.splice(0)) ws.terminate();
    await app?.close();
    app = undefined;
    jest.restoreAllMocks();
    if (PORT === undefined) delete process.env.PORT;
    else process.env.PORT = PORT;
  });

  /** Runs the main.ts of a program. Resolves when its application listens. */
  const run = async (program: string): Promise<void> => {
    await load(program, 'main.ts');
    await until(`${program}: app.listen()`, () => app?.getHttpServer().listening === true);
  };
  const port = (): number => (app!.getHttpServer().address() as AddressInfo).port;
  const connect = async (path: string, options?: ConnectOptions): Promise<TestClient> => {
    const client = new TestClient(`ws://127.0.0.1:${port()}${path}`, options);
    clients.push(client);
    await client.opened();
    return client;
  };

  it('README: exchanges the messages printed below it', async () => {
    await run('readme');
    const [ada, bob] = [await connect('/ws'), await connect('/ws')];
    await bob.settled();
    ada.send('{"event":"message","data":"hi","id":1}');
    expect(await ada.answer(1)).toEqual({ event: 'message', data: { delivered: true }, ack: 1 });
    expect(await bob.next('said')).toEqual({ event: 'said', data: { from: expect.any(String), text: 'hi' } });
  });

  it('quick start: exchanges the messages printed below it', async () => {
    await run('quick-start');
    const [ada, bob] = [await connect('/ws'), await connect('/ws')];
    await bob.settled();
    ada.send('{"event":"message","data":"hi"}');
    expect(await bob.next('said')).toEqual({ event: 'said', data: { from: expect.any(String), text: 'hi' } });
    ada.send('{"event":"presence"}');
    expect(await ada.next('presence')).toEqual({ event: 'presence', data: 2 });
    ada.send('{"event":"presence","id":1}');
    expect(await ada.answer(1)).toEqual({ event: 'presence', data: 2, ack: 1 });
  });

  it('requests and streams: exchanges the messages printed there', async () => {
    await run('requests');
    const client = await connect('/prices');
    const printed = /^```\n(> \{"event":"price"[^]*?)```$/m.exec(
      readFileSync('docs/requests.md', 'utf8'),
    )![1]!;
    // further values may arrive before the stream is cancelled
    for (const [, direction, message] of printed.matchAll(/^([<>]) (.+?)(?: {2,}.*)?$/gm))
      if (direction === '>') client.send(message!);
      else {
        const expected: unknown = JSON.parse(message!);
        await client.until(message!, () => client.frames.some((frame) => isDeepStrictEqual(frame, expected)));
      }
  });

  it('what a user may do: refuses documents and events of others, and takes readers out at once', async () => {
    const { DocumentsGateway } = (await load('authorization', 'documents.gateway.ts')) as {
      DocumentsGateway: Type<{ server: EnvelopeServer }>;
    };
    const { DocumentsService } = (await load('authorization', 'documents.service.ts')) as {
      DocumentsService: Type;
    };
    const module = { module: class {}, providers: [DocumentsGateway, DocumentsService] };
    app = await NestFactory.create(module);
    app.useWebSocketAdapter(new EnvelopeAdapter(app));
    await app.listen(0, '127.0.0.1');
    const as = (token: string) => connect('/documents', { headers: { authorization: `Bearer ${token}` } });
    const [ada, bob] = [await as('ada'), await as('bob')];
    expect((await ada.ask('open', 1)).data).toMatchObject({ id: 1 });
    expect((await ada.ask('open', 2)).data).toMatchObject({ statusCode: 403 });
    expect((await ada.ask('remove-reader', { id: 1, reader: 1 })).data).toMatchObject({
      message: 'Forbidden resource',
    });
    const { server } = app.get(DocumentsGateway);
    expect(await server.in('document:1').fetchSockets()).toHaveLength(1);
    expect(await bob.ask('remove-reader', { id: 1, reader: 1 })).not.toHaveProperty('event', 'exception');
    expect(await server.in('document:1').fetchSockets()).toHaveLength(0);
  });

  it('recovery: creates a session for a client that offers envelope.v1', async () => {
    await run('recovery');
    const client = new TestClient(`ws://127.0.0.1:${port()}/ws`, { protocols: ['envelope.v1'] });
    clients.push(client);
    expect((await client.next('$session')).data).toMatchObject({ session: expect.any(String) });
  });

  it('the history of rooms: is sent to who enters one', async () => {
    await run('history');
    const client = await connect('/rooms');
    expect((await client.ask('enter', 'chat:7')).data).toEqual({ complete: true, replayed: 0 });
  });

  it('Socket.IO clients: serves them beside others, in the namespace of the same path', async () => {
    await run('socketio');
    const bare = await connect('/ws/chat');
    const client = new IoClient(`http://127.0.0.1:${port()}/ws/chat`, { transport: 'upgraded' });
    try {
      await client.connected();
      expect(await client.ask('say', 'hi')).toEqual(['hi']);
      expect(await client.next('said')).toEqual(['hi']);
      expect((await bare.next('said')).data).toBe('hi');
    } finally {
      client.destroy();
    }
  });

  it('HTTP where WebSockets fail: shows a room live to curl', async () => {
    await run('http-streaming');
    const [line] = /^curl .+$/m.exec(readFileSync('docs/http-streaming.md', 'utf8'))!;
    const curl = spawn(`exec ${line!.replace('localhost:3000', `127.0.0.1:${port()}`)}`, { shell: true });
    try {
      let text = '';
      curl.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
      await until('$session', () => text.includes('"$session"'));
      (await connect('/chat')).send('{"event":"say","data":"hi"}');
      await until('the message', () => text.endsWith('{"event":"said","data":"hi"}\n'));
    } finally {
      curl.kill();
    }
  });

  it('microservices: exchanges the frames printed below it', async () => {
    await run('rpc');
    const client = await connect('/rpc');
    client.send('{"kind":"message","pattern":"users.count","payload":null,"metadata":{}}');
    await client.until('the answer', () => client.frames.length > 0);
    expect(client.frames).toEqual([{ kind: 'response', pattern: 'users.count', payload: 7, metadata: {} }]);
  });

  it('error reporting: gives Sentry and pino what is not the fault of clients', async () => {
    const ask = async (program: string): Promise<void> => {
      await run(program);
      const client = await connect('/ws');
      for (const event of ['refuses', 'fails']) await client.ask(event);
      await app!.close();
    };
    const { captured } = (await load('sentry', 'instrument.ts')) as { captured: object[] };
    await ask('sentry');
    expect(captured).toEqual([
      {
        error: new Error('the database is away'),
        hint: {
          user: { id: undefined, ip_address: expect.stringContaining('127.0.0.1') },
          tags: { kind: 'message', path: '/ws', event: 'fails' },
          extra: { where: '/ws: "fails" threw', client: expect.any(String), requestId: expect.any(String) },
        },
      },
    ]);
    const { lines } = (await load('pino', 'log.ts')) as { lines: { level: number }[] };
    await ask('pino');
    expect(lines.filter(({ level }) => level >= 50)).toEqual([
      expect.objectContaining({
        msg: '/ws: "fails" threw',
        event: 'fails',
        kind: 'message',
        err: expect.objectContaining({ message: 'the database is away', stack: expect.any(String) }),
      }),
    ]);
  });

  it('explorer: serves the page and the contract', async () => {
    await run('explorer');
    for (const path of ['/ws-docs', '/ws-docs/asyncapi.json'])
      expect((await fetch(`http://127.0.0.1:${port()}${path}`)).status).toBe(200);
  });

  it('console: serves the page, and admits the token', async () => {
    process.env.ADMIN_TOKEN = 'known to operators';
    try {
      await run('console');
      expect((await fetch(`http://127.0.0.1:${port()}/ws-docs/console`)).status).toBe(200);
      const auth = (token: string): string[] => [
        'envelope.v1',
        `envelope.auth.${Buffer.from(JSON.stringify({ token })).toString('base64url')}`,
      ];
      await expect(connect('/ws-docs/console/live', { protocols: auth('a guess') })).rejects.toThrow('401');
      const client = await connect('/ws-docs/console/live', { protocols: auth('known to operators') });
      expect((await client.ask('hello')).data).toMatchObject({
        user: 'the operator on duty',
        readOnly: false,
      });
    } finally {
      delete process.env.ADMIN_TOKEN;
    }
  });

  it('contract: writes the file', async () => {
    const before = process.cwd();
    const file = join(FOLDER, 'contract/asyncapi.yaml');
    process.chdir(join(FOLDER, 'contract'));
    try {
      await load('contract', 'contract.ts');
      await until('asyncapi.yaml', () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
    } finally {
      process.chdir(before);
    }
    expect(readFileSync(file, 'utf8')).toMatch(/^asyncapi: 3\.0\.0\n/);
  });

  it('typed client: writes the types that the page was compiled with', async () => {
    const before = process.cwd();
    const folder = join(FOLDER, 'typed-client');
    mkdirSync(join(FOLDER, 'web/src'), { recursive: true });
    process.chdir(folder);
    try {
      await run('typed-client');
    } finally {
      process.chdir(before);
    }
    // the title and the version are those of this package
    const [written, given] = [join(FOLDER, 'web/src'), folder].map((path) =>
      readFileSync(join(path, 'events.ts'), 'utf8').replace(/^\/\/ .*$/m, ''),
    );
    expect(written).toBe(given);
  });

  it('push: emits from a provider to clients of two paths', async () => {
    const { AppModule } = (await load('push', 'app.module.ts')) as { AppModule: new () => object };
    const { EnvelopeAdapter } = await import('../../lib/index.js');
    const nest = await NestFactory.create(AppModule);
    nest.useWebSocketAdapter(new EnvelopeAdapter(nest));
    await nest.listen(0);
    const [customer, admin] = [await connect('/'), await connect('/admin')];
    await Promise.all([customer.settled(), admin.settled()]);
    nest.get(EventEmitter2).emit('invoice.paid', { id: 'i-1', customer: 'acme' });
    expect((await customer.next('paid')).data).toBe('i-1');
    expect((await admin.next('paid')).data).toEqual({ id: 'i-1', customer: 'acme' });
  });

  it('testing: runs the printed test', async () => {
    type Step = () => unknown;
    const steps: [string, Step][] = [];
    const collect = { describe: (_: string, body: Step) => body() } as Record<
      string,
      (...args: never[]) => unknown
    >;
    collect['it'] = (name: string, step: Step) => steps.push([name, step]);
    for (const hook of ['beforeAll', 'afterAll']) collect[hook] = (step: Step) => steps.push([hook, step]);
    const scope = globalThis as unknown as typeof collect;
    const before = Object.fromEntries(Object.keys(collect).map((name) => [name, scope[name]!]));
    Object.assign(scope, collect);
    try {
      await load('quick-start', 'chat.e2e-spec.ts');
    } finally {
      Object.assign(scope, before);
    }
    const rank = ([name]: [string, Step]): number =>
      ['beforeAll', '', 'afterAll'].indexOf(/All$/.test(name) ? name : '');
    expect(steps.map(([name]) => name)).toEqual([
      'beforeAll',
      'afterAll',
      expect.any(String),
      expect.any(String),
    ]);
    for (const [, step] of steps.sort((one, other) => rank(one) - rank(other))) await step();
  });
});
