import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { RecoveringClient } from '../recovery/recovery-client.js';
import { startApp } from '../support/app.js';
import { until } from '../support/wait.js';

const joining: CanActivate = {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    client.data.user = { id: 'ada' };
    await client.join('guarded');
    return client.handshake.query['way'] !== 'no';
  },
};

@UseGuards(joining)
@WebSocketGateway({ path: '/ws', recovery: true })
class GuardedGateway {
  @WebSocketServer() server!: EnvelopeServer;
}

describe('a room that a guard lets a client join', () => {
  it('contains a client that resumes its session, under the original id', async () => {
    const app = await startApp({ providers: [GuardedGateway] });
    const { server } = app.nest.get(GuardedGateway);
    const ada = await new RecoveringClient().connect(app);
    const { id } = ada.hello;

    expect([...server.adapter.rooms.get('guarded')!]).toEqual([id]);
    await ada.cut();
    await until('the disconnect', () => server.sockets.size === 0);
    expect(server.adapter.sids.size).toBe(0);
    await ada.connect(app);
    expect(ada.hello).toMatchObject({ id, recovered: true });
    expect([...server.adapter.sids.keys()]).toEqual([id]);
    expect([...server.adapter.rooms.get('guarded')!]).toEqual([id]);
  });

  it('does not contain a client that the guard refuses', async () => {
    const app = await startApp({ providers: [GuardedGateway] });
    const { server } = app.nest.get(GuardedGateway);
    await expect(app.connect('/ws?way=no')).rejects.toThrow('403');
    expect([server.adapter.sids.size, server.adapter.rooms.size]).toEqual([0, 0]);
  });
});
