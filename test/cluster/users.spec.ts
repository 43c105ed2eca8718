import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, user } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import { RecoveringClient } from '../recovery/recovery-client.js';

class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { id, token } = client.handshake.auth;
    if (id !== undefined) client.user = { sub: id };
    if (token !== undefined) client.data.user = token;
    return true;
  }
}

@UseGuards(Guard)
@WebSocketGateway({ path: '/ws' })
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    await Promise.resolve();
    if (client.handshake.query['late'] !== undefined) client.user = 'late';
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<string> {
    await client.join(room);
    return 'joined';
  }
}

const auth = (data: object): { protocols: string[] } => ({
  protocols: ['envelope.v1', `envelope.auth.${Buffer.from(JSON.stringify(data)).toString('base64url')}`],
});

async function startCluster() {
  const bus = new Bus();
  const start = async () => {
    const app = await startApp({ providers: [Gateway] }, { adapter: { adapter: bus.adapter } });
    return { app, server: app.nest.get(Gateway).server };
  };
  return { here: await start(), there: await start() };
}

describe('the connections of one user', () => {
  it('are reached on every node, with any source of the user', async () => {
    const { here, there } = await startCluster();
    const clients = [
      await here.app.connect('/ws', auth({ id: 42 })),
      await there.app.connect('/ws', auth({ id: '42' })),
      await there.app.connect('/ws', auth({ token: 42 })),
    ];
    const others = [await here.app.connect('/ws', auth({ id: 43 })), await there.app.connect('/ws?late')];
    for (const client of [...clients, ...others]) await client.settled();
    here.server.to(user(42)).emit('hello', 42);
    here.server.to(user('late')).emit('hello', 'late');
    here.server.emit('end');
    for (const client of [...clients, ...others]) await client.next('end');
    for (const client of clients) expect(client.frames).toContainEqual({ event: 'hello', data: 42 });
    expect(others.map(({ frames }) => frames.filter(({ event }) => event === 'hello'))).toEqual([
      [],
      [{ event: 'hello', data: 'late' }],
    ]);
  });

  it('are disconnected on every node', async () => {
    const { here, there } = await startCluster();
    const clients = [
      await here.app.connect('/ws', auth({ id: 42 })),
      await there.app.connect('/ws', auth({ id: 42 })),
    ];
    const other = await there.app.connect('/ws', auth({ id: 43 }));
    for (const client of [...clients, other]) await client.settled();
    here.server.disconnectUser(42);
    for (const client of clients) expect((await client.ended()).code).toBe(1000);
    expect((await other.ask('$ping')).event).toBe('$ping');
  });

  it('cannot be read by a client that joins their room by name', async () => {
    const { here } = await startCluster();
    const eve = await here.app.connect('/ws', auth({ id: 'eve' }));
    expect((await eve.ask('join', user(42))).data).toMatchObject({ status: 'error', code: 'room_limit' });
    here.server.to(user(42)).emit('secret');
    expect(await eve.ask('join', 'red')).toMatchObject({ data: 'joined' });
    expect(eve.frames.map(({ event }) => event)).not.toContain('secret');
  });

  it('include those that authenticate with $auth', async () => {
    const { here } = await startCluster();
    const ada = await here.app.connect('/ws');
    await ada.ask('$auth', { id: 42 });
    here.server.to(user(42)).emit('hello');
    await ada.next('hello');
  });

  it('cannot recover their session after disconnectUser', async () => {
    const app = await startApp({ providers: [Gateway] }, { adapter: { recovery: true } });
    const { server } = app.nest.get(Gateway);
    const ada = await new RecoveringClient({ id: 42 }).connect(app);
    await ada.settled();
    await ada.cut();
    server.disconnectUser(42);
    expect((await ada.connect(app)).hello.recovered).toBe(false);
  });
});
