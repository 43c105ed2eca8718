import type { TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { until } from '../support/wait.js';
import { startChat } from './chat.js';

interface Details {
  status: number;
  body: unknown;
  cache: string | null;
}

async function fetchDetails(app: TestApp, id: string): Promise<Details> {
  const answer = await fetch(`http://127.0.0.1:${app.port}/ws-docs/sockets/${id}`);
  return { status: answer.status, body: await answer.json(), cache: answer.headers.get('cache-control') };
}

async function connectWithToken(app: TestApp, path: string): Promise<{ client: TestClient; id: string }> {
  const auth = Buffer.from(JSON.stringify({ token: 'valid token' })).toString('base64url');
  const client = await app.connect(path, { protocols: ['envelope.v1', `envelope.auth.${auth}`] });
  const { data } = await client.next('$session');
  return { client, id: data.id as string };
}

describe('the details of a connection in the explorer', () => {
  it('contain its rooms', async () => {
    const app = await startChat();
    const { client, id } = await connectWithToken(app, '/ws/chat');
    const first = { id, rooms: ['lobby'], connected: true, recovered: false };
    await client.settled();
    expect(await fetchDetails(app, id)).toEqual({ status: 200, body: first, cache: 'no-store' });
    await client.ask('join', 'red');
    expect((await fetchDetails(app, id)).body).toEqual({ ...first, rooms: ['lobby', 'red'] });
  });

  it('do not contain its user', async () => {
    const app = await startChat();
    const { client, id } = await connectWithToken(app, '/rooms/blue');
    expect((await client.ask('whoami')).data).toEqual({ id: 'ada' });
    const { body } = await fetchDetails(app, id);
    expect(body).toEqual({ id, rooms: ['blue'], connected: true, recovered: false });
  });

  it('do not exist for an unknown id', async () => {
    const app = await startChat();
    for (const id of ['Jv0', '__proto__', 'constructor', '%25']) {
      const { status, body } = await fetchDetails(app, id);
      expect([id, status]).toEqual([id, 404]);
      expect(body).toMatchObject({ statusCode: 404 });
    }
  });

  it('do not exist after the disconnect', async () => {
    const app = await startChat();
    const { client, id } = await connectWithToken(app, '/ws/chat');
    expect((await fetchDetails(app, id)).status).toBe(200);
    client.ws.close();
    await until('the disconnect', async () => (await fetchDetails(app, id)).status === 404);
  });
});
