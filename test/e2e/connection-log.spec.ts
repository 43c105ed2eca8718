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
  @SubscribeMessage('who')
  who(@ConnectedSocket() client: EnvelopeSocket): [string, string] {
    return [client.id, client.requestId];
  }
}

const serve = (options: AppOptions = {}): Promise<TestApp> =>
  startApp(
    { providers: [LoggedGateway] },
    { adapter: { limits: { maxConnectionsPerAddress: false } }, ...options },
  );

const lines = ({ log }: TestApp): string[] =>
  log.of('verbose').filter((line) => /connected|left|came or went/.test(line));

/** What Nest's own logger writes, with the levels that it is told. */
async function written(logger: LoggerService | LogLevel[] | false | undefined): Promise<string> {
  const texts: string[] = [];
  const write = (text: string | Uint8Array): boolean => texts.push(String(text)) > 0;
  const spies = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation(write),
  );
  try {
    const app = await serve({
      before: (nest) => {
        // as NestFactory.create does it
        Logger.overrideLogger(new ConsoleLogger());
        if (logger !== undefined) nest.useLogger(logger);
      },
    });
    const client = await app.connect('/ws');
    await client.ask('who');
    await app.close();
  } finally {
    for (const spy of spies) spy.mockRestore();
    Reflect.set(Logger, 'logLevels', undefined);
  }
  return texts.join('');
}

describe('the log of connections', () => {
  it.each<[what: string, logger: LoggerService | LogLevel[] | false | undefined, isLogged: boolean]>([
    ['as it comes', undefined, false],
    ['turned off', false, false],
    ['with the levels log, warn, error', ['log', 'warn', 'error'], false],
    ['with the level verbose', ['verbose'], true],
    ['with all levels by name', ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'], true],
    [
      "with the level verbose, as the application's own",
      new ConsoleLogger('x', { logLevels: ['verbose'] }),
      true,
    ],
    ["with the level warn, as the application's own", new ConsoleLogger('x', { logLevels: ['warn'] }), false],
  ])("Nest's logger %s: is the client's address in the log?", async (_, logger, isLogged) => {
    expect((await written(logger)).includes('connected from 127.0.0.1')).toBe(isLogged);
  });

  it('makes no line that nobody reads', async () => {
    const logger = new ConsoleLogger('x', { logLevels: ['error'] });
    const app = await serve({ before: (nest) => nest.useLogger(logger) });
    const read = jest.spyOn(EnvelopeSocket.prototype, 'requestId', 'get');
    try {
      const client = await app.connect('/ws');
      client.close();
      await client.ended();
      await until('the end', () => app.adapter.create(0, { path: '/ws' }).sockets.size === 0);
      expect(read).not.toHaveBeenCalled();
    } finally {
      read.mockRestore();
    }
  });

  it('has one line at the level verbose for each client that comes or goes, with its request id', async () => {
    const app = await serve();
    const named = await app.connect('/ws', { headers: { 'x-request-id': 'r-17' } });
    const [id] = (await named.ask('who')).data as string[];
    expect(lines(app)).toEqual([`/ws: ${id} connected from 127.0.0.1 (request r-17)`]);
    named.ws.close(4000);
    await until('the farewell', () => lines(app).length === 2);
    expect(lines(app)[1]).toMatch(
      new RegExp(`^/ws: ${id} left after \\d+\\.\\d s: transport close, 4000 \\(request r-17\\)$`),
    );
  });

  it('takes no name that would do something to a terminal', async () => {
    const app = await serve();
    const client = await app.connect('/ws', { headers: { 'x-request-id': 'r\u009b31m' } });
    const [, request] = (await client.ask('who')).data as string[];
    expect(request).toMatch(/^[\da-f-]{36}$/);
  });

  it('names a request that has no name', async () => {
    const app = await serve();
    const client = await app.connect('/ws');
    const [id, request] = (await client.ask('who')).data as string[];
    expect(lines(app)).toEqual([`/ws: ${id} connected from 127.0.0.1 (request ${request})`]);
    expect(request).toMatch(/^[\da-f-]{36}$/);
  });

  it('has the stack of what threw by itself, for loggers that make a field of it', async () => {
    const app = await serve();
    await (await app.connect('/ws')).ask('fail');
    const [line] = app.log.lines.filter(({ level }) => level === 'error');
    expect(line!.text).toBe('/ws: "fail" threw: out of order');
    expect(line!.given[1]).toMatch(/^Error: out of order\n {4}at /);
  });

  it('is no longer than clients are many', async () => {
    const app = await serve();
    for (let i = 0; i < 130; i++) {
      const client = await app.connect('/ws');
      client.ws.terminate();
    }
    await until('the last line', () => lines(app).length === 100);
    await app.close();
    expect(lines(app)).toHaveLength(101);
    expect(lines(app).at(-1)).toMatch(/^1[56]\d more clients came or went within the last minute$/);
  });
});
