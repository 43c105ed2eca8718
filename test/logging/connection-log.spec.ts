import { jest } from '@jest/globals';
import { ConsoleLogger, Logger, type LoggerService, type LogLevel } from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class LoggedGateway {
  @SubscribeMessage('fail')
  fail(): void {
    throw new Error('out of order');
  }
  @SubscribeMessage('ids')
  ids(@ConnectedSocket() client: EnvelopeSocket): [string, string] {
    return [client.id, client.requestId];
  }
}

const start = (options: AppOptions = {}): Promise<TestApp> =>
  startApp(
    { providers: [LoggedGateway] },
    { adapter: { limits: { maxConnectionsPerAddress: false } }, ...options },
  );

const lines = ({ log }: TestApp): string[] => log.of('verbose').filter((line) => /connected/.test(line));

/** Returns what the logger of Nest writes with the given levels. */
async function written(logger: LoggerService | LogLevel[] | false | undefined): Promise<string> {
  const texts: string[] = [];
  const write = (text: string | Uint8Array): boolean => texts.push(String(text)) > 0;
  const spies = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation(write),
  );
  try {
    const app = await start({
      before: (nest) => {
        // NestFactory.create does this.
        Logger.overrideLogger(new ConsoleLogger());
        if (logger !== undefined) nest.useLogger(logger);
      },
    });
    const client = await app.connect('/ws');
    await client.ask('ids');
    await app.close();
  } finally {
    for (const spy of spies) spy.mockRestore();
    Reflect.set(Logger, 'logLevels', undefined);
  }
  return texts.join('');
}

describe('the log of connections', () => {
  it.each<[what: string, logger: LoggerService | LogLevel[] | false | undefined, isLogged: boolean]>([
    ['with its default', undefined, false],
    ['switched off', false, false],
    ['with the levels log, warn, error', ['log', 'warn', 'error'], false],
    ['with the level verbose', ['verbose'], true],
    ['with all levels by name', ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'], true],
    ['a ConsoleLogger with the level verbose', new ConsoleLogger('x', { logLevels: ['verbose'] }), true],
    ['a ConsoleLogger with the level warn', new ConsoleLogger('x', { logLevels: ['warn'] }), false],
  ])(
    'contains the address of a client only if the level verbose is enabled: logger %s',
    async (_, logger, isLogged) => {
      expect((await written(logger)).includes('connected from 127.0.0.1')).toBe(isLogged);
    },
  );

  it('does not build a line that the logger discards', async () => {
    const logger = new ConsoleLogger('x', { logLevels: ['error'] });
    const app = await start({ before: (nest) => nest.useLogger(logger) });
    const read = jest.spyOn(EnvelopeSocket.prototype, 'requestId', 'get');
    try {
      const client = await app.connect('/ws');
      client.close();
      await client.ended();
      await until('the disconnect', () => app.adapter.create(0, { path: '/ws' }).sockets.size === 0);
      expect(read).not.toHaveBeenCalled();
    } finally {
      read.mockRestore();
    }
  });

  it('has one verbose line for each connect and disconnect, with the request id', async () => {
    const app = await start();
    const named = await app.connect('/ws', { headers: { 'x-request-id': 'r-17' } });
    const [id] = (await named.ask('ids')).data as string[];
    expect(lines(app)).toEqual([`/ws: ${id} connected from 127.0.0.1 (request r-17)`]);
    named.ws.close(4000);
    await until('the line of the disconnect', () => lines(app).length === 2);
    expect(lines(app)[1]).toMatch(
      new RegExp(`^/ws: ${id} disconnected after \\d+\\.\\d s: transport close, 4000 \\(request r-17\\)$`),
    );
  });

  it('replaces a request id that contains control characters', async () => {
    const app = await start();
    const client = await app.connect('/ws', { headers: { 'x-request-id': 'r\u009b31m' } });
    const [, request] = (await client.ask('ids')).data as string[];
    expect(request).toMatch(/^[\da-f-]{36}$/);
  });

  it('creates a request id when the client sends none', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    const [id, request] = (await client.ask('ids')).data as string[];
    expect(lines(app)).toEqual([`/ws: ${id} connected from 127.0.0.1 (request ${request})`]);
    expect(request).toMatch(/^[\da-f-]{36}$/);
  });

  it('passes the stack of an unknown error to the logger as a separate argument', async () => {
    const app = await start();
    await (await app.connect('/ws')).ask('fail');
    const [line] = app.log.lines.filter(({ level }) => level === 'error');
    expect(line!.text).toBe('/ws: "fail" threw: out of order');
    expect(line!.given[1]).toMatch(/^Error: out of order\n {4}at /);
  });

  it('is limited to 100 lines a minute and then counts the remaining clients', async () => {
    const app = await start();
    for (let i = 0; i < 130; i++) {
      const client = await app.connect('/ws');
      client.ws.terminate();
    }
    await until('the last line', () => lines(app).length === 100);
    await app.close();
    expect(lines(app)).toHaveLength(101);
    expect(lines(app).at(-1)).toMatch(
      /^1[56]\d more clients connected or disconnected within the last minute$/,
    );
  });
});
