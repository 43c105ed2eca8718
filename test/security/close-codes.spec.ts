import { MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { CLOSE_CODES, EnvelopeSocket, type ClosedInfo, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { closeBody, OP, RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class ClosingGateway {
  readonly clients: EnvelopeSocket[] = [];
  readonly ends: [string, ClosedInfo | undefined][] = [];

  handleConnection(client: EnvelopeSocket): Promise<void> | void {
    this.clients.push(client);
    const { mood, why = '' } = client.query as { mood?: string; why?: string };
    if (mood === 'throws') throw new Error('secret');
    if (mood === 'refuses') throw new WsException(why);
    if (mood === 'hangs') return new Promise(() => undefined);
    if (mood === 'expires') client.expiresAt = Date.now();
  }
  handleDisconnect(client: EnvelopeSocket, reason?: string): void {
    this.ends.push([reason ?? '', client.closed]);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('hang')
  hang(): Promise<never> {
    return new Promise(() => undefined);
  }
}

/** What a case works with. */
interface Scene {
  app: TestApp;
  client: RawClient;
  socket: EnvelopeSocket;
}

interface Case {
  what: string;
  code: number;
  reason: string;
  word: string;
  act?: (scene: Scene) => unknown;
  query?: string;
  adapter?: EnvelopeOptions;
  /** ws closed the line by itself, over an error of the client's. */
  isUnclean?: true;
}

const LEFT = 'server namespace disconnect';
const BROKEN = { word: 'parse error', reason: '', isUnclean: true } as const;
const repeat =
  (times: number, text: string) =>
  ({ client }: Scene): void => {
    for (let i = 0; i < times; i++) client.text(text);
  };
const shutDown = { code: 1001, reason: 'server shutting down', word: 'server shutting down' };
const BIG = 'x'.repeat(500_000);

const CASES: Record<keyof typeof CLOSE_CODES, Case[]> = {
  NORMAL: [
    {
      what: 'client.disconnect()',
      code: 1000,
      reason: '',
      word: LEFT,
      act: ({ socket }) => socket.disconnect(),
    },
    {
      what: 'server.disconnectSockets()',
      ...{ code: 1000, reason: '', word: LEFT },
      act: ({ socket }) => socket.nsp.disconnectSockets(),
    },
    {
      what: 'client.close(1000, …)',
      ...{ code: 1000, reason: 'good night', word: LEFT },
      act: ({ socket }) => socket.close(1000, 'good night'),
    },
  ],
  GOING_AWAY: [
    // not awaited: the line is open until its client has answered the close frame
    { what: 'app.close()', ...shutDown, act: ({ app }) => void app.close() },
    {
      what: 'server.close()',
      ...shutDown,
      act: ({ app }) => void app.adapter.create(0, { path: '/ws' }).close(),
    },
  ],
  PROTOCOL_ERROR: [
    {
      what: 'an opcode that is reserved',
      code: 1002,
      ...BROKEN,
      act: ({ client }) => client.send({ opcode: 3 }),
    },
  ],
  INVALID_DATA: [
    {
      what: 'text that is not UTF-8',
      ...{ code: 1007, ...BROKEN },
      act: ({ client }) => client.send({ opcode: OP.text, payload: Buffer.from([0xff]) }),
    },
  ],
  POLICY_VIOLATION: [
    {
      what: 'malformed messages that go on',
      ...{ code: 1008, reason: 'too many malformed messages', word: 'parse error' },
      act: repeat(10, '{'),
    },
    {
      what: 'too many messages that go on',
      ...{ code: 1008, reason: 'too many messages', word: LEFT },
      adapter: { limits: { messagesPerSecond: 0.001, messageBurst: 1 } },
      act: repeat(102, '{"event":"$ping"}'),
    },
    {
      what: 'too many fragments',
      ...{ code: 1008, ...BROKEN },
      adapter: { limits: { maxFragments: 1 } },
      act: ({ client }) => client.send({ opcode: OP.text, fin: false }, { opcode: OP.continuation }),
    },
    {
      what: 'a WsException in handleConnection',
      ...{ code: 1008, reason: 'not you', word: LEFT },
      query: '?mood=refuses&why=not%20you',
    },
  ],
  TOO_LARGE: [
    {
      what: 'a message over maxPayload',
      ...{ code: 1009, ...BROKEN },
      act: ({ client }) => client.send({ opcode: OP.text, payload: 'x', claim: 1_000_001 }),
    },
  ],
  INTERNAL_ERROR: [
    {
      what: 'a handleConnection that throws',
      ...{ code: 1011, reason: 'Internal server error', word: LEFT },
      query: '?mood=throws',
    },
    {
      what: 'a handleConnection that does not settle',
      ...{ code: 1011, reason: 'connectTimeout', word: LEFT },
      query: '?mood=hangs',
      adapter: { connectTimeout: 20 },
    },
  ],
  TRY_AGAIN_LATER: [
    {
      what: 'a client that does not read',
      ...{ code: 1013, reason: 'the client reads too slowly', word: LEFT },
      adapter: { limits: { maxBufferedBytes: 100_000 } },
      act: async ({ client, socket }) => {
        client.tcp.pause();
        await until('the end', () => {
          if (socket.connected) socket.emit('big', BIG);
          return !socket.connected;
        });
        client.tcp.resume();
      },
    },
  ],
  UNAUTHORIZED: [
    { what: 'expiresAt', code: 4401, reason: 'expired', word: LEFT, query: '?mood=expires' },
    {
      what: 'maxLifetime',
      ...{ code: 4401, reason: 'end of the lifetime', word: LEFT },
      adapter: { limits: { maxLifetime: 10 } },
    },
  ],
  DUPLICATE_ID: [
    {
      what: 'an id that is in flight',
      ...{ code: 4409, reason: 'id already in flight', word: LEFT },
      act: repeat(2, '{"event":"hang","id":1}'),
    },
  ],
};

async function setScene({
  adapter,
  query = '',
}: Pick<Case, 'adapter' | 'query'>): Promise<Scene & { gateway: ClosingGateway }> {
  const app = await startApp({ providers: [ClosingGateway] }, { adapter: { pingInterval: 0, ...adapter } });
  const gateway = app.nest.get(ClosingGateway);
  const client = await RawClient.connect(app.port, `/ws${query}`);
  await until('handleConnection', () => gateway.clients.length === 1);
  return { app, gateway, client, socket: gateway.clients[0]! };
}

/** The close frame, which may stand behind other frames. */
async function closing(client: RawClient): Promise<{ code: number; reason: string }> {
  let frame = await client.frame();
  while (frame.opcode !== OP.close) frame = await client.frame();
  if (frame.payload.length === 0) return { code: 1005, reason: '' };
  return { code: frame.payload.readUInt16BE(), reason: frame.payload.subarray(2).toString() };
}

describe('close codes', () => {
  expectNoUnhandledErrors();

  describe.each(Object.entries(CASES))('%s', (name, cases) => {
    it.each(cases.map((one) => [one.what, one] as const))('%s', async (_, given) => {
      const { code, reason, word, act, isUnclean } = given;
      expect(code).toBe(CLOSE_CODES[name as keyof typeof CLOSE_CODES].code);
      const scene = await setScene(given);
      await act?.(scene);
      expect(await closing(scene.client)).toEqual({ code, reason });
      // the peer answers, and the line ends
      if (isUnclean === undefined) scene.client.send({ opcode: OP.close, payload: closeBody(code) });
      expect(await scene.client.over()).toHaveLength(0);
      await until('handleDisconnect', () => scene.gateway.ends.length === 1);
      const closed = { code, reason, wasClean: isUnclean === undefined, initiator: 'server' };
      expect(scene.gateway.ends).toEqual([[word, closed]]);
      await until('the end of the line', () => scene.socket.readyState === scene.socket.CLOSED);
      // whatever the peer said last changes nothing
      expect(scene.socket.closed).toEqual(closed);
      expect(scene.gateway.ends).toHaveLength(1);
    });
  });

  it.each([
    ['a refusal by a connection middleware', 'refused', (error: Error) => error],
    ['what JSON cannot write in it', 'refused', (error: Error) => Object.assign(error, { data: 1n })],
  ])('%s closes with 1008, and no gateway knows the client', async (_, reason, spoil) => {
    const app = await startApp({ providers: [ClosingGateway] });
    let met: EnvelopeSocket | undefined;
    app.adapter.create(0, { path: '/ws' }).use((socket, next) => {
      met = socket;
      next(spoil(new Error(reason)));
    });
    const client = await RawClient.connect(app.port, '/ws');
    expect(await closing(client)).toEqual({ code: 1008, reason });
    client.send({ opcode: OP.close });
    await client.over();
    expect(met!.closed).toEqual({ code: 1008, reason, wasClean: true, initiator: 'server' });
    expect(app.nest.get(ClosingGateway).ends).toEqual([]);
  });

  const ends: [what: string, act: (scene: Scene) => unknown, word: string, closed: ClosedInfo][] = [
    [
      'the client says goodbye',
      ({ client }) => client.send({ opcode: OP.close, payload: closeBody(1000, 'bye') }),
      'client namespace disconnect',
      { code: 1000, reason: 'bye', wasClean: true, initiator: 'client' },
    ],
    [
      'the client says nothing of why',
      ({ client }) => client.send({ opcode: OP.close }),
      'client namespace disconnect',
      { code: 1005, reason: '', wasClean: true, initiator: 'client' },
    ],
    [
      'the client has a code of its own',
      ({ client }) => client.send({ opcode: OP.close, payload: closeBody(4321, 'ü'.repeat(61)) }),
      'transport close',
      { code: 4321, reason: 'ü'.repeat(61), wasClean: true, initiator: 'client' },
    ],
    [
      'the client hangs up',
      ({ client }) => client.tcp.end(),
      'transport close',
      { code: 1006, reason: '', wasClean: false, initiator: 'network' },
    ],
    [
      'the client resets the line',
      ({ client }) => client.tcp.resetAndDestroy(),
      'transport close',
      { code: 1006, reason: '', wasClean: false, initiator: 'network' },
    ],
    [
      'the server cuts the line',
      ({ socket }) => socket.terminate(),
      'forced close',
      { code: 1006, reason: '', wasClean: false, initiator: 'server' },
    ],
    [
      'the server closes without a code',
      ({ socket }) => socket.close(),
      LEFT,
      { code: 1005, reason: '', wasClean: true, initiator: 'server' },
    ],
  ];

  it.each(ends)('of other ends, handleDisconnect learns, too: %s', async (_, act, word, closed) => {
    const scene = await setScene({});
    act(scene);
    await until('handleDisconnect', () => scene.gateway.ends.length === 1);
    expect(scene.gateway.ends).toEqual([[word, closed]]);
  });

  const LONG: [what: string, reason: string, cut: string][] = [
    ['bytes', 'x'.repeat(500), 'x'.repeat(123)],
    ['exactly as much as fits', 'x'.repeat(123), 'x'.repeat(123)],
    ['two bytes a character', 'ü'.repeat(100), 'ü'.repeat(61)],
    ['three bytes a character', '€'.repeat(100), '€'.repeat(41)],
    ['four bytes a character', '😀'.repeat(100), '😀'.repeat(30)],
    ['a mixture', `x${'😀'.repeat(100)}`, `x${'😀'.repeat(30)}`],
  ];

  it.each(LONG)('a reason that is too long is cut between characters: %s', async (_, reason, cut) => {
    const ways: ((scene: Scene) => unknown)[] = [
      ({ socket }) => socket.close(4000, reason),
      ({ socket }) => socket.close(4000, Buffer.from(reason)),
    ];
    for (const way of ways) {
      const scene = await setScene({});
      way(scene);
      expect(await closing(scene.client)).toEqual({ code: 4000, reason: cut });
      expect(scene.socket.closed).toEqual({ code: 4000, reason: cut, wasClean: true, initiator: 'server' });
    }
    const refused = await setScene({ query: `?mood=refuses&why=${encodeURIComponent(reason)}` });
    expect(await closing(refused.client)).toEqual({ code: 1008, reason: cut });
    expect(refused.gateway.ends).toEqual([
      [LEFT, { code: 1008, reason: cut, wasClean: true, initiator: 'server' }],
    ]);
    const app = await startApp({ providers: [ClosingGateway] });
    app.adapter.create(0, { path: '/ws' }).use((_socket, next) => next(new Error(reason)));
    expect(await closing(await RawClient.connect(app.port, '/ws'))).toEqual({ code: 1008, reason: cut });
  });

  it('a lone surrogate in a reason becomes a character that UTF-8 has', async () => {
    const scene = await setScene({});
    scene.socket.close(4000, `${'x'.repeat(121)}\ud83d`);
    const { code, reason } = await closing(scene.client);
    expect(code).toBe(4000);
    expect(['x'.repeat(121), `${'x'.repeat(121)}\ufffd`]).toContain(reason);
  });
});
