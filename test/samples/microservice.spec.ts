import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom, type Observable } from 'rxjs';
import { Sample } from '../support/sample.js';
import { TestClient } from '../support/client.js';
import { answerOf, ask, sendMessage } from '../microservices/fixture.js';

const get = async (url: string): Promise<unknown> => (await fetch(url)).json();

describe('sample 04-microservice', () => {
  it('answers over TCP, over the WebSocket and for the service that calls it', async () => {
    const environment = { ...process.env };
    Object.assign(process.env, { HTTP_PORT: '0', TCP_PORT: '0', REPORTS_PORT: '0' });
    const sample = Sample.start('sample/04-microservice/src/main.ts');
    process.env = environment;
    const [users] = await sample.waitForOutput(/users service listens on (\S+)/);
    const [reports] = await sample.waitForOutput(/reports service listens on (\S+)\/\n/);
    expect(await sample.waitForOutput(/Open (\S+)\n$/)).toEqual([`${reports!}/report`]);
    const [tcp] = await sample.waitForOutput(/TCP on port (\d+)/);

    const client = new TestClient(users!.replace('http', 'ws'));
    await client.opened();
    expect((await ask(client, 'users.count')).payload).toBe(3);
    const overTcp = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: Number(tcp) },
    });
    const send = (pattern: string): Promise<unknown> =>
      firstValueFrom(overTcp.send(pattern, {}) as Observable<unknown>);
    expect(await send('users.count')).toBe(3);
    expect(await send('app.info')).toMatchObject({ name: 'users' });
    expect((await ask(client, 'app.info')).payload).toMatchObject({ name: 'users' });

    for (const path of ['/report', '/'])
      expect(await get(`${reports!}${path}`)).toMatchObject({ count: 3, names: ['ada', 'bob', 'eve'] });
    expect(await get(`${reports!}/welcome/zoe`)).toEqual({ id: 4, name: 'zoe' });
    sendMessage(client, 'message', { cmd: 'users.find' }, { name: 'max' }, { id: 1 });
    expect((await answerOf(client, 1)).payload).toMatchObject({ message: 'unknown user max' });
    client.ws.terminate();
    await overTcp.close();
    expect((await sample.end()).signal).toBe('SIGTERM');
  });
});
