import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { ClientSocket } from '../../lib/client/index.js';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { connectFilesKindRest, filesKindRestUrl, itSTenantXUrl } from './golden/edge.js';
import {
  connectGamesName,
  connectRoomsRoom,
  connectRoot,
  connectWsChat,
  roomsRoomUrl,
  rootUrl,
  wsChatUrl,
} from './golden/rich.js';
import { JwtGuard, KeyGuard, SpecialNamesGateway, ChatGateway } from './rich-app.js';

/** Answers with what the server sees of the path. */
@WebSocketGateway({ path: '/rooms/:room' })
class RoomGateway {
  @SubscribeMessage('author')
  author(@ConnectedSocket() { handshake }: EnvelopeSocket) {
    return { name: handshake.params['room'] };
  }
}
@WebSocketGateway({ path: '/games', namespace: /^\/(?:[\w-]+|a\/b@[1];|größe 100%)$/ })
class GameGateway {
  @SubscribeMessage('play')
  play(@ConnectedSocket() { nsp }: EnvelopeSocket, @MessageBody() _card: string) {
    return decodeURIComponent(nsp.name);
  }
}
@WebSocketGateway({ path: '/files{/:kind}/*rest' })
class FilesGateway {
  @SubscribeMessage('read')
  read(@ConnectedSocket() { handshake }: EnvelopeSocket) {
    return JSON.stringify(handshake.params);
  }
}

describe('the generated functions', () => {
  let app: TestApp;
  let base: string;
  const sockets: ClientSocket<never, never>[] = [];
  const opened = <Socket extends object>(socket: Socket): Socket => {
    sockets.push(socket as ClientSocket<never, never>);
    return socket;
  };

  beforeEach(async () => {
    const providers = [
      RoomGateway,
      GameGateway,
      FilesGateway,
      SpecialNamesGateway,
      ChatGateway,
      JwtGuard,
      KeyGuard,
    ];
    app = await startApp({ providers });
    base = app.url('');
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.disconnect();
  });

  it.each(['lobby', 'a/b', 'größe 100%', '?#&=+', '...', '\u{1f600}'])(
    'pass a parameter of the path on: %s',
    async (room) => {
      const socket = opened(connectRoomsRoom(base, { room }));
      expect(await socket.emitWithAck('author')).toEqual({ name: room });
    },
  );

  it.each(['game-7', 'a/b@1;', 'größe 100%'])(
    'find the namespace that a RegExp matches: %s',
    async (name) => {
      const socket = opened(connectGamesName(`${base}//`, { name }));
      expect(await socket.emitWithAck('play', 'ace')).toBe(`/games/${name}`);
    },
  );

  it('pass the segments of a wildcard on', async () => {
    const params = { kind: 'a b', rest: 'x/y z/%' };
    const socket = opened(connectFilesKindRest(base, params));
    expect(JSON.parse(await socket.emitWithAck('read'))).toEqual(params);
  });

  it('send and receive events of any name', async () => {
    const socket = opened(connectRoot(base));
    for (const event of ['a/b', '__proto__', 'größe €', '7'] as const)
      expect(await socket.emitWithAck(event)).toBeUndefined();
  });

  it('carry requests and streams, as their types say', async () => {
    const socket = opened(connectWsChat(base));
    expect(await socket.emitWithAck('presence', {})).toBe(3);
    const ticks: number[] = [];
    for await (const tick of socket.stream('ticks')) ticks.push(tick);
    expect(ticks).toEqual([0, 1, 2]);
    expect(await socket.emitWithAck('ping', 7)).toBe('7');
  });

  it('make URLs, also relative ones for the server of a page', () => {
    expect(wsChatUrl('')).toBe('/ws/chat');
    expect(wsChatUrl('https://example.com/')).toBe('https://example.com/ws/chat');
    expect(rootUrl('/app/')).toBe('/app/');
    expect(roomsRoomUrl('', { room: '../a' })).toBe('/rooms/..%2Fa');
    expect(itSTenantXUrl('', { tenant: "it's" })).toBe("/it's/it's/`$x`");
  });

  it('refuse parameters with which the URL would leave the path', () => {
    for (const room of ['.', '..'])
      expect(() => roomsRoomUrl('', { room })).toThrow(`A path parameter cannot be "${room}"`);
    expect(() => filesKindRestUrl('', { kind: 'a', rest: 'b/../../admin' })).toThrow('cannot be ".."');
    expect(() => connectGamesName('', { name: '../admin' })).toThrow('cannot be ".."');
  });
});
