import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { WebSocketGateway, WebSocketServer, type OnGatewayConnection } from '@nestjs/websockets';
import { user, type EnvelopeServer, type EnvelopeSocket } from '../../lib/index.js';
import { until } from '../support/wait.js';
import { describeOurs, Settling, startIoApp, type IoApp } from './fixture.js';
import { TRANSPORTS } from './io-client.js';

class NameGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    client.user = { id: client.handshake.auth.name ?? client.handshake.query.name };
    return true;
  }
}

@UseGuards(NameGuard)
@WebSocketGateway()
class UsersGateway extends Settling implements OnGatewayConnection {
  @WebSocketServer() server!: EnvelopeServer;
  readonly changes: string[] = [];

  afterInit(server: EnvelopeServer): void {
    server.presence.on('join', ({ key }) => this.changes.push(`join ${key}`));
    server.presence.on('leave', ({ key }) => this.changes.push(`leave ${key}`));
  }
  handleConnection(client: EnvelopeSocket): void {
    this.server.presence.track(client, undefined, { transport: client.conn.transport.name });
    void client.join('red');
  }
}

describeOurs('users of clients of Socket.IO', () => {
  let app: IoApp;
  let gateway: UsersGateway;
  beforeEach(async () => {
    app = await startIoApp('ours', { providers: [UsersGateway] });
    gateway = app.nest.get(UsersGateway);
  });

  describe.each(TRANSPORTS)('over %s', (transport) => {
    it('get what is sent to a user, on all connections of all kinds', async () => {
      const ada = await app.connect('/', { transport, auth: { name: 'ada' } });
      const bob = await app.connect('/', { transport, auth: { name: 'bob' } });
      const bare = await app.bare('/?name=ada');
      await bare.settled();
      gateway.server.to(user('ada')).emit('paid', 1, 'two');
      expect(await ada.next('paid')).toEqual([1, 'two']);
      expect((await bare.next('paid')).data).toEqual([1, 'two']);
      await bob.settled();
      expect(bob.events).toEqual([]);
    });

    it('are disconnected together, and the others stay', async () => {
      const ada = await app.connect('/', { transport, auth: { name: 'ada' } });
      const bob = await app.connect('/', { transport, auth: { name: 'bob' } });
      const bare = await app.bare('/?name=ada');
      gateway.server.disconnectUser('ada');
      expect(await ada.ended()).toBe('io server disconnect');
      await bare.ended();
      await bob.settled();
      expect(bob.socket.connected).toBe(true);
    });

    it('share their states, also with bytes in them, and get those of bare clients', async () => {
      gateway.server.presence.shareStates('red', { every: 5 });
      const ada = await app.connect('/', { transport, auth: { name: 'ada' } });
      const bare = await app.bare('/?name=bob');
      const latest = (data: unknown): string => JSON.stringify(data).replace(/"(id|rev)":[^,]+,/g, '');
      expect(latest((await bare.next('states')).data)).toBe('{"room":"red","all":[]}');
      const answered = ada.socket.emitWithAck('states', { room: 'red', state: { x: Buffer.from('a') } });
      expect(latest((await bare.next('states')).data)).toBe(
        '{"room":"red","join":[{"key":"ada","state":{"x":{"type":"Buffer","data":[97]}}}]}',
      );
      await answered;
      bare.send({ event: 'states', data: { room: 'red', state: 2 } });
      // as news, or with everything else where a poll was not open at the time
      await until('the state of the bare client', () =>
        latest(ada.events).includes('{"key":"bob","state":2}'),
      );
      ada.leave();
      await until('the end', () => latest(bare.frames.at(-1)).includes('"leave":["'));
    });

    it('are present once, and gone after the last of their connections', async () => {
      const first = await app.connect('/', { transport, auth: { name: 'ada' } });
      const second = await app.connect('/', { transport, auth: { name: 'ada' } });
      const bare = await app.bare('/?name=ada');
      await bare.settled();
      const members = await gateway.server.presence.list('red');
      expect(members.map(({ key }) => key)).toEqual(['ada']);
      expect(members[0]!.metas).toHaveLength(3);
      first.leave();
      bare.close();
      await until('one connection', () => gateway.server.sockets.size === 1);
      expect(gateway.changes).toEqual(['join ada']);
      second.leave();
      await until('the leave', () => gateway.changes.length === 2);
      expect(gateway.changes).toEqual(['join ada', 'leave ada']);
    });
  });
});
