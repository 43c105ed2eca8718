import { request } from 'node:http';
import { WebSocketGateway } from '@nestjs/websockets';
import { until } from '../support/wait.js';
import { describeOurs, startIoApp, type IoApp } from './fixture.js';

@WebSocketGateway()
class Gateway {}

const start = (): Promise<IoApp> => startIoApp('ours', { providers: [Gateway] });

/** Sends a request of long polling. Resolves with its status and body. */
function poll(app: IoApp, query: string, localAddress = '127.0.0.1'): Promise<[number | undefined, string]> {
  return new Promise((resolve, reject) => {
    const url = `${app.url('/socket.io/')}?EIO=4&transport=polling${query}`;
    const sent = request(url, { localAddress, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve([response.statusCode, body]));
    });
    sent.on('error', reject).end();
  });
}

async function open(app: IoApp, localAddress?: string): Promise<string> {
  const [, body] = await poll(app, '', localAddress);
  return (JSON.parse(body.slice(1)) as { sid: string }).sid;
}

const UNKNOWN = [400, '{"code":1,"message":"Session ID unknown"}'];

describeOurs('a request for a session that a process does not have', () => {
  it('is refused, and the log names sticky sessions', async () => {
    const app = await start();
    expect(await poll(app, '&sid=of-another-node')).toEqual(UNKNOWN);
    const [line] = app.log.of('warn');
    expect(line).toContain('without sticky sessions');
    expect(line).toContain('docs/deploy/socket.io-nginx.conf');
    expect(line).not.toContain('of-another-node');
  });

  it('is refused from another address, and the log names both and trustProxy', async () => {
    const app = await start();
    const sid = await open(app, '127.0.0.9');
    expect(await poll(app, `&sid=${sid}`, '127.0.0.10')).toEqual(UNKNOWN);
    const [line] = app.log.of('warn');
    expect(line).toContain('has opened a session from 127.0.0.9, and goes on from 127.0.0.10');
    expect(line).toContain('option trustProxy');
  });

  it('is refused without a line where the session has ended here', async () => {
    const app = await start();
    const client = await app.connect('/', { transport: 'polling' });
    const sid = client.socket.io.engine.id;
    client.socket.disconnect();
    // an earlier request meets the session that is about to end
    await until('the end of the session', async () => (await poll(app, `&sid=${sid}`))[1] === UNKNOWN[1]);
    expect(app.log.of('warn')).toEqual([]);
  });
});
