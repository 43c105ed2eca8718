import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
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

const serve = (): Promise<TestApp> =>
  startApp({ providers: [LoggedGateway] }, { adapter: { limits: { maxConnectionsPerAddress: false } } });

const lines = ({ log }: TestApp): string[] =>
  log.of('debug').filter((line) => /connected|left|came or went/.test(line));

describe('the log of connections', () => {
  it('has one line at the level debug for each client that comes or goes, with its request id', async () => {
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
