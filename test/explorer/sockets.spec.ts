import type { TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { until } from '../support/wait.js';
import { startChat } from './chat.js';

interface Look {
  status: number;
  body: unknown;
  cache: string | null;
}

async function look(app: TestApp, id: string): Promise<Look> {
  const answer = await fetch(`http://127.0.0.1:${app.port}/ws-docs/sockets/${id}`);
  return { status: answer.status, body: await answer.json(), cache: answer.headers.get('cache-control') };
}

async function enter(app: TestApp, path: string): Promise<{ client: TestClient; id: string }> {
  const auth = Buffer.from(JSON.stringify({ token: 'open sesame' })).toString('base64url');
  const client = await app.connect(path, { protocols: ['envelope.v1', `envelope.auth.${auth}`] });
  const { data } = await client.next('$session');
  return { client, id: data.id as string };
}

describe('what the explorer tells of a connection', () => {
  it('is its rooms', async () => {
    const app = await startChat();
    const { client, id } = await enter(app, '/ws/chat');
    const first = { id, rooms: ['lobby'], connected: true, recovered: false };
    await client.settled();
    expect(await look(app, id)).toEqual({ status: 200, body: first, cache: 'no-store' });
    await client.ask('join', 'red');
    expect((await look(app, id)).body).toEqual({ ...first, rooms: ['lobby', 'red'] });
  });

  it('is nothing of its user', async () => {
    const app = await startChat();
    const { client, id } = await enter(app, '/rooms/blue');
    expect((await client.ask('whoami')).data).toEqual({ id: 'ada' });
    const { body } = await look(app, id);
    expect(body).toEqual({ id, rooms: ['blue'], connected: true, recovered: false });
  });

  it('is nothing where nobody has the id', async () => {
    const app = await startChat();
    for (const id of ['Jv0', '__proto__', 'constructor', '%25']) {
      const { status, body } = await look(app, id);
      expect([id, status]).toEqual([id, 404]);
      expect(body).toMatchObject({ statusCode: 404 });
    }
  });

  it('ends with the connection', async () => {
    const app = await startChat();
    const { client, id } = await enter(app, '/ws/chat');
    expect((await look(app, id)).status).toBe(200);
    client.ws.close();
    await until('the end', async () => (await look(app, id)).status === 404);
  });
});
