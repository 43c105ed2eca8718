import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Test } from '@nestjs/testing';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeAdapter, EnvelopeServer, EnvelopeSocket } from 'nestjs-envelope';
import { connect } from 'nestjs-envelope/client';
import { history } from 'nestjs-envelope/client/history';
import { presence } from 'nestjs-envelope/client/presence';
import { memoryHistory, roomHistory, type JoinedHistory } from 'nestjs-envelope/history';

interface ServerToClient {
  said: (text: string) => void;
}
interface ClientToServer {
  enter: (where: { id: number; after?: string }, answer: (joined: JoinedHistory) => void) => void;
  meet: (name: string, answer: (done: boolean) => void) => void;
}

@WebSocketGateway({ path: '/chat' })
class ChatGateway {
  @WebSocketServer() server!: EnvelopeServer;

  afterInit(server: EnvelopeServer): void {
    server.presence.share('lobby');
  }
  @SubscribeMessage('enter')
  enter(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody() { id, after }: { id: number; after?: string },
  ): Promise<JoinedHistory> {
    return client.join(`chat:${id}`, { after, rewind: 2 });
  }
  @SubscribeMessage('meet')
  async meet(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() name: string): Promise<boolean> {
    this.server.presence.track(client, name, { status: 'here' });
    await client.join('lobby');
    return true;
  }
}

it('nestjs-envelope/history, /client/history and /client/presence, CommonJS: late clients see what was before', async () => {
  const moduleFixture = await Test.createTestingModule({ providers: [ChatGateway] }).compile();
  const app = moduleFixture.createNestApplication();
  const rooms = { 'chat:*': { size: 10 } };
  app.useWebSocketAdapter(
    new EnvelopeAdapter(app, {
      history: roomHistory({ rooms, store: memoryHistory({ maxBytes: 1_000_000 }) }),
    }),
  );
  await app.listen(0, '127.0.0.1');
  const { server } = app.get(ChatGateway);
  const url = `ws://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/chat`;
  const socket = connect<ServerToClient, ClientToServer>(url, { reconnectionDelay: 5 });
  try {
    for (const text of ['a', 'b', 'c']) server.to('chat:7').emit('said', text);
    const past = history(socket);
    const said: string[] = [];
    socket.on('said', (text) => said.push(text));
    const room = socket.subscribe('enter', { id: 7 }, { after: past.after('chat:7') });
    expect(await room.ready).toEqual({ complete: true, replayed: 2 });
    server.to('chat:7').emit('said', 'd');
    const answered = new Promise<JoinedHistory>((resolve) => {
      let count = 0;
      room.onAnswer((joined) => void (++count === 2 && resolve(joined)));
    });
    const [client] = server.sockets.values();
    const closed = once(client!.request.socket, 'close');
    client!.request.socket.destroy();
    await closed;
    server.to('chat:7').emit('said', 'e');
    expect((await answered).complete).toBe(true);
    expect(said).toEqual(['b', 'c', 'd', 'e']);
    expect((await server.history('chat:7').read({ limit: 2 })).at(-1)?.event).toBe('said');

    const members = presence<{ status: string }>(socket, 'lobby');
    const changed = new Promise<void>((resolve) => {
      members.onChange(() => members.members.length > 0 && resolve());
    });
    expect(await socket.emitWithAck('meet', 'ada')).toBe(true);
    await changed;
    expect(members.members.map(({ key, metas }) => [key, metas[0]?.status])).toEqual([['ada', 'here']]);
    members.stop();
    past.stop();
  } finally {
    socket.disconnect();
    await app.close();
  }
});
