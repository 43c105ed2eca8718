import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { coded } from '../support/error-code.js';

abstract class Where {
  @WebSocketServer() server!: EnvelopeServer;
  @SubscribeMessage('where')
  where(client: EnvelopeSocket): unknown {
    const { nsp, handshake } = client;
    return { gateway: this.constructor.name, name: nsp.name, params: handshake.params };
  }
}

@WebSocketGateway()
class RootGateway extends Where {}
@WebSocketGateway({ namespace: 'chat' })
class ChatGateway extends Where {}
@WebSocketGateway({ namespace: '/admin/' })
class AdminGateway extends Where {}
@WebSocketGateway({ path: '/ws' })
class PathGateway extends Where {}
@WebSocketGateway({ path: '/ws', namespace: 'chat' })
class PathAndNamespaceGateway extends Where {}
@WebSocketGateway({ path: '/shut', namespace: 'open' })
class ShutRootGateway extends Where {}
@WebSocketGateway({ namespace: /^\/room-\d+$/ })
class RoomGateway extends Where {}
@WebSocketGateway({ path: '/games', namespace: /^\/(chess|go)$/g })
class GameGateway extends Where {}
@WebSocketGateway({ path: '/docs/:id' })
class DocumentGateway extends Where {}
@WebSocketGateway({ path: '/docs/index' })
class IndexGateway extends Where {}
@WebSocketGateway({ path: '/teams', namespace: ':team/members/:member' })
class MemberGateway extends Where {}
@WebSocketGateway({ path: '/ümlaut' })
class UmlautGateway extends Where {}
@WebSocketGateway({ path: '/sp ace', namespace: 'чат' })
class SpaceGateway extends Where {}
@WebSocketGateway({ path: '/räume/:nummer' })
class WideGateway extends Where {}
@WebSocketGateway({ namespace: /^\/комната-\d+$/ })
class CyrillicGateway extends Where {}
@WebSocketGateway({ path: '/files/*path' })
class FileGateway extends Where {}

const allGateways = [
  RootGateway,
  ChatGateway,
  AdminGateway,
  PathGateway,
  PathAndNamespaceGateway,
  ShutRootGateway,
  RoomGateway,
  GameGateway,
  DocumentGateway,
  IndexGateway,
  MemberGateway,
  FileGateway,
  UmlautGateway,
  SpaceGateway,
  WideGateway,
  CyrillicGateway,
];

expectNoUnhandledErrors();

describe('mounting on one port', () => {
  const start = () => startApp({ providers: allGateways });

  it.each<[path: string, gateway: string, name?: string, params?: object]>([
    ['/', 'RootGateway'],
    ['/?x=/chat', 'RootGateway', '/'],
    ['/chat', 'ChatGateway'],
    ['/chat/', 'ChatGateway', '/chat'],
    ['/ch%61t', 'ChatGateway', '/chat'],
    ['/%C3%BCmlaut', 'UmlautGateway', '/%C3%BCmlaut'],
    ['/%c3%bcmlaut/', 'UmlautGateway', '/%C3%BCmlaut'],
    ['/ümlaut', 'UmlautGateway', '/%C3%BCmlaut'],
    ['/sp%20ace/%D1%87%D0%B0%D1%82', 'SpaceGateway', '/sp%20ace/%D1%87%D0%B0%D1%82'],
    ['/räume/7', 'WideGateway', '/r%C3%A4ume/:nummer', { nummer: '7' }],
    ['/r%C3%A4ume/%C3%BC', 'WideGateway', '/r%C3%A4ume/:nummer', { nummer: 'ü' }],
    ['/комната-7', 'CyrillicGateway', `/${encodeURIComponent('комната-7')}`],
    ['/chat?x=1', 'ChatGateway', '/chat'],
    ['/admin', 'AdminGateway'],
    ['/ws', 'PathGateway'],
    ['/ws/chat', 'PathAndNamespaceGateway'],
    ['/shut/open', 'ShutRootGateway'],
    ['/room-1', 'RoomGateway'],
    ['/room-12', 'RoomGateway'],
    ['/games/chess', 'GameGateway'],
    ['/games/go', 'GameGateway'],
    ['/docs/7', 'DocumentGateway', '/docs/:id', { id: '7' }],
    ['/docs/a%20b%2Fc', 'DocumentGateway', '/docs/:id', { id: 'a b/c' }],
    ['/docs/index', 'IndexGateway'],
    [
      '/teams/red/members/ada',
      'MemberGateway',
      '/teams/:team/members/:member',
      { team: 'red', member: 'ada' },
    ],
    ['/files/a/b.txt', 'FileGateway', '/files/*path', { path: 'a/b.txt' }],
  ])('connects %s to %s', async (path, gateway, name = path, params = {}) => {
    const client = await (await start()).connect(path);
    expect((await client.ask('where')).data).toEqual({ gateway, name, params });
    // No other gateway receives the message.
    client.send({ event: 'where' });
    await client.settled();
    expect(client.frames.filter((frame) => frame.event === 'where')).toHaveLength(2);
  });

  it('gives every gateway the server of its path', async () => {
    const app = await start();
    const names = allGateways.map((type) => app.nest.get<Where>(type).server.name);
    expect(names).toEqual([
      '/',
      '/chat',
      '/admin',
      '/ws',
      '/ws/chat',
      '/shut/open',
      '/<room-\\d+>',
      '/games/<(chess|go)>',
      '/docs/:id',
      '/docs/index',
      '/teams/:team/members/:member',
      '/files/*path',
      '/%C3%BCmlaut',
      '/sp%20ace/%D1%87%D0%B0%D1%82',
      '/r%C3%A4ume/:nummer',
      '/<комната-\\d+>',
    ]);
    expect(app.nest.get(RootGateway).server.of('/ümlaut')).toBe(app.nest.get(UmlautGateway).server);
    expect(app.nest.get(RootGateway).server.of('/sp ace/чат')).toBe(app.nest.get(SpaceGateway).server);
    const server = app.nest.get(RootGateway).server;
    expect(server.of('/chat')).toBe(app.nest.get(ChatGateway).server);
    expect(server.of('ws/chat')).toBe(app.nest.get(PathAndNamespaceGateway).server);
  });

  it.each(['/ws?token=x', '/ws#x'])(
    'rejects a gateway whose path cannot match a request: %s',
    async (path) => {
      @WebSocketGateway({ path })
      class QueryGateway {}
      await expect(startApp({ providers: [QueryGateway] })).rejects.toThrow(
        `QueryGateway: the path "${path}"`,
      );
      @WebSocketGateway({ namespace: path })
      class NamespaceGateway {}
      await expect(startApp({ providers: [NamespaceGateway] })).rejects.toThrow('NamespaceGateway: the path');
      await expect(startApp({ providers: [RootGateway] }, { adapter: { path } })).rejects.toThrow(
        'EnvelopeAdapter: the path',
      );
    },
  );

  it.each([
    '//chat', // as for GET //route
    '/chat//',
    '/docs//7',
    '//docs/7',
    '//room-1',
    '/games//chess',
    '/shut', // the root that Nest creates for a namespace
    '/shut/',
    '/games',
    '/games/',
    '/games/poker',
    '/room-x',
    '/room-',
    '/x/room-1',
    '/docs',
    '/docs/1/2',
    '/docs/%',
    '/docs/%ff',
    '/files',
    '/teams/red/members',
    '/Chat',
    '/chat/x',
    '/nowhere',
    '/constructor',
    '/__proto__',
    '/room-1%0d%0aX-Injected:%201',
  ])('answers 404 for %s', async (path) => {
    const app = await start();
    const answer = await requestUpgrade(app.port, path);
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(Number(answer.headers['content-length'])).toBe(Buffer.byteLength(answer.body));
    expect(JSON.parse(answer.body)).toEqual({
      statusCode: 404,
      message: 'No gateway is mounted on this path',
      error: 'Not Found',
    });
  });

  it('answers 400 for a request target that is not a path', async () => {
    const app = await start();
    const answer = await requestUpgrade(app.port, '*');
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({
      statusCode: 400,
      message: 'The request target is not a path',
      error: 'Bad Request',
    });
    // Node answers what its parser rejects.
    expect((await requestUpgrade(app.port, 'chat')).status).toBe(400);
  });

  it('answers 404 at the root when no gateway is mounted there', async () => {
    const app = await startApp({ providers: [ChatGateway] });
    expect((await requestUpgrade(app.port, '/')).status).toBe(404);
    expect((await requestUpgrade(app.port, '/chat')).status).toBe(101);
  });

  it('separates the paths of a RegExp namespace and reaches all of them from the parent', async () => {
    const app = await start();
    const [one, two] = [await app.connect('/room-1'), await app.connect('/room-2')];
    await Promise.all([one.settled(), two.settled()]);
    const parent = app.nest.get(RoomGateway).server;
    parent.of('/room-1').emit('only one');
    parent.emit('both');
    await Promise.all([one.next('both'), two.next('both')]);
    expect(one.frames.some(({ event }) => event === 'only one')).toBe(true);
    expect(two.frames.some(({ event }) => event === 'only one')).toBe(false);
  });

  it('mounts gateways without a path on the path of the adapter', async () => {
    const app = await startApp(
      { providers: [RootGateway, ChatGateway, PathGateway] },
      { adapter: { path: '/live' } },
    );
    for (const [path, gateway] of [
      ['/live', 'RootGateway'],
      ['/live/chat', 'ChatGateway'],
      ['/ws', 'PathGateway'],
    ] as const) {
      expect((await (await app.connect(path)).ask('where')).data).toMatchObject({ gateway, name: path });
    }
    expect((await requestUpgrade(app.port, '/')).status).toBe(404);
  });

  it('rejects a path that is not a valid pattern', async () => {
    @WebSocketGateway({ path: '/docs/:' })
    class MalformedGateway {}
    await expect(startApp({ providers: [MalformedGateway] })).rejects.toThrow(
      coded('ERR_ENVELOPE_INVALID_PATH', 'The gateway path "/docs/:" is not valid'),
    );
  });
});
