import { MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { CLOSE_CODES, EnvelopeSocket, type ClosedInfo, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { closeBody, OP, RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class ClosingGateway {
  readonly clients: EnvelopeSocket[] = [];
  readonly disconnects: [string, ClosedInfo | undefined][] = [];

  handleConnection(client: EnvelopeSocket): Promise<void> | void {
    this.clients.push(client);
    const { behavior, reason = '' } = client.query as { behavior?: string; reason?: string };
    if (behavior === 'throws') throw new Error('secret');
    if (behavior === 'refuses') throw new WsException(reason);
    if (behavior === 'hangs') return new Promise(() => undefined);
    if (behavior === 'expires') client.expiresAt = Date.now();
  }
  handleDisconnect(client: EnvelopeSocket, reason?: string): void {
    this.disconnects.push([reason ?? '', client.closed]);
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

/** What each test case works with. */
interface Scene {
  app: TestApp;
  client: RawClient;
  socket: EnvelopeSocket;
}

interface Case {
  cause: string;
  code: number;
  reason: string;
  disconnectReason: string;
  act?: (scene: Scene) => unknown;
  query?: string;
  adapter?: EnvelopeOptions;
  /** The `ws` library closed the connection after a protocol error by the client. */
  isUnclean?: true;
}

const DISCONNECTED = 'server namespace disconnect';
const PROTOCOL_FAILURE = { disconnectReason: 'parse error', reason: '', isUnclean: true } as const;
const repeat =
  (times: number, text: string) =>
  ({ client }: Scene): void => {
    for (let i = 0; i < times; i++) client.text(text);
  };
const shutDown = { code: 1001, reason: 'server shutting down', disconnectReason: 'server shutting down' };
const BIG = 'x'.repeat(500_000);

const CASES: Record<keyof typeof CLOSE_CODES, Case[]> = {
  NORMAL: [
    {
      cause: 'client.disconnect()',
      code: 1000,
      reason: '',
      disconnectReason: DISCONNECTED,
      act: ({ socket }) => socket.disconnect(),
    },
    {
      cause: 'server.disconnectSockets()',
      ...{ code: 1000, reason: '', disconnectReason: DISCONNECTED },
      act: ({ socket }) => socket.nsp.disconnectSockets(),
    },
    {
      cause: 'client.close(1000, …)',
      ...{ code: 1000, reason: 'good night', disconnectReason: DISCONNECTED },
      act: ({ socket }) => socket.close(1000, 'good night'),
    },
  ],
  GOING_AWAY: [
    // Not awaited: the connection stays open until the client answers the close frame.
    { cause: 'app.close()', ...shutDown, act: ({ app }) => void app.close() },
    {
      cause: 'server.close()',
      ...shutDown,
      act: ({ app }) => void app.adapter.create(0, { path: '/ws' }).close(),
    },
  ],
  PROTOCOL_ERROR: [
    {
      cause: 'a reserved opcode',
      code: 1002,
      ...PROTOCOL_FAILURE,
      act: ({ client }) => client.send({ opcode: 3 }),
    },
  ],
  INVALID_DATA: [
    {
      cause: 'text that is not UTF-8',
      ...{ code: 1007, ...PROTOCOL_FAILURE },
      act: ({ client }) => client.send({ opcode: OP.text, payload: Buffer.from([0xff]) }),
    },
  ],
  POLICY_VIOLATION: [
    {
      cause: 'repeated malformed messages',
      ...{ code: 1008, reason: 'too many malformed messages', disconnectReason: 'parse error' },
      act: repeat(10, '{'),
    },
    {
      cause: 'repeated messages over the rate limit',
      ...{ code: 1008, reason: 'too many messages', disconnectReason: DISCONNECTED },
      adapter: { limits: { messagesPerSecond: 0.001, messageBurst: 1 } },
      act: repeat(200, '{"event":"$ping"}'), // the first is within the limit, and a busy machine refuses over 100
    },
    {
      cause: 'too many fragments',
      ...{ code: 1008, ...PROTOCOL_FAILURE },
      adapter: { limits: { maxFragments: 1 } },
      act: ({ client }) => client.send({ opcode: OP.text, fin: false }, { opcode: OP.continuation }),
    },
    {
      cause: 'a WsException in handleConnection',
      ...{ code: 1008, reason: 'not you', disconnectReason: DISCONNECTED },
      query: '?behavior=refuses&reason=not%20you',
    },
  ],
  TOO_LARGE: [
    {
      cause: 'a message over maxPayload',
      ...{ code: 1009, ...PROTOCOL_FAILURE },
      act: ({ client }) => client.send({ opcode: OP.text, payload: 'x', claimedLength: 1_000_001 }),
    },
  ],
  INTERNAL_ERROR: [
    {
      cause: 'a handleConnection that throws',
      ...{ code: 1011, reason: 'Internal server error', disconnectReason: DISCONNECTED },
      query: '?behavior=throws',
    },
    {
      cause: 'a handleConnection that does not settle',
      ...{ code: 1011, reason: 'connectTimeout', disconnectReason: DISCONNECTED },
      query: '?behavior=hangs',
      adapter: { connectTimeout: 20 },
    },
  ],
  TRY_AGAIN_LATER: [
    {
      cause: 'a client that does not read',
      ...{ code: 1013, reason: 'the client reads too slowly', disconnectReason: DISCONNECTED },
      adapter: { limits: { maxBufferedBytes: 100_000 } },
      act: async ({ client, socket }) => {
        client.tcp.pause();
        await until('the disconnect', () => {
          if (socket.connected) socket.emit('big', BIG);
          return !socket.connected;
        });
        client.tcp.resume();
      },
    },
  ],
  UNAUTHORIZED: [
    {
      cause: 'expiresAt',
      code: 4401,
      reason: 'expired',
      disconnectReason: DISCONNECTED,
      query: '?behavior=expires',
    },
    {
      cause: 'maxLifetime',
      ...{ code: 4401, reason: 'end of the lifetime', disconnectReason: DISCONNECTED },
      adapter: { limits: { maxLifetime: 10 } },
    },
  ],
  DUPLICATE_ID: [
    {
      cause: 'an id that is in flight',
      ...{ code: 4409, reason: 'id already in flight', disconnectReason: DISCONNECTED },
      act: repeat(2, '{"event":"hang","id":1}'),
    },
  ],
};

async function startScene({
  adapter,
  query = '',
}: Pick<Case, 'adapter' | 'query'>): Promise<Scene & { gateway: ClosingGateway }> {
  const app = await startApp({ providers: [ClosingGateway] }, { adapter: { pingInterval: 0, ...adapter } });
  const gateway = app.nest.get(ClosingGateway);
  const client = await RawClient.connect(app.port, `/ws${query}`);
  await until('handleConnection', () => gateway.clients.length === 1);
  return { app, gateway, client, socket: gateway.clients[0]! };
}

/** Returns the code and the reason of the close frame. Skips the frames before it. */
async function receiveClose(client: RawClient): Promise<{ code: number; reason: string }> {
  let frame = await client.frame();
  while (frame.opcode !== OP.close) frame = await client.frame();
  if (frame.payload.length === 0) return { code: 1005, reason: '' };
  return { code: frame.payload.readUInt16BE(), reason: frame.payload.subarray(2).toString() };
}

describe('close codes', () => {
  expectNoUnhandledErrors();

  describe.each(Object.entries(CASES))('%s', (name, cases) => {
    it.each(cases.map((testCase) => [testCase.cause, testCase] as const))('%s', async (_, testCase) => {
      const { code, reason, disconnectReason, act, isUnclean } = testCase;
      expect(code).toBe(CLOSE_CODES[name as keyof typeof CLOSE_CODES].code);
      const scene = await startScene(testCase);
      await act?.(scene);
      expect(await receiveClose(scene.client)).toEqual({ code, reason });
      // The client answers, and the connection ends.
      if (isUnclean === undefined) scene.client.send({ opcode: OP.close, payload: closeBody(code) });
      expect(await scene.client.ended()).toHaveLength(0);
      await until('handleDisconnect', () => scene.gateway.disconnects.length === 1);
      const closed = { code, reason, wasClean: isUnclean === undefined, initiator: 'server' };
      expect(scene.gateway.disconnects).toEqual([[disconnectReason, closed]]);
      await until('the end of the connection', () => scene.socket.readyState === scene.socket.CLOSED);
      // A later close frame of the client changes nothing.
      expect(scene.socket.closed).toEqual(closed);
      expect(scene.gateway.disconnects).toHaveLength(1);
    });
  });

  it.each([
    ['an error of a connection middleware', 'refused', (error: Error) => error],
    [
      'a middleware error whose data JSON cannot serialize',
      'refused',
      (error: Error) => Object.assign(error, { data: 1n }),
    ],
  ])('closes with 1008 on %s and calls no gateway hook', async (_, reason, spoil) => {
    const app = await startApp({ providers: [ClosingGateway] });
    let refused: EnvelopeSocket | undefined;
    app.adapter.create(0, { path: '/ws' }).use((socket, next) => {
      refused = socket;
      next(spoil(new Error(reason)));
    });
    const client = await RawClient.connect(app.port, '/ws');
    expect(await receiveClose(client)).toEqual({ code: 1008, reason });
    client.send({ opcode: OP.close });
    await client.ended();
    expect(refused!.closed).toEqual({ code: 1008, reason, wasClean: true, initiator: 'server' });
    expect(app.nest.get(ClosingGateway).disconnects).toEqual([]);
  });

  const disconnects: [
    cause: string,
    act: (scene: Scene) => unknown,
    disconnectReason: string,
    closed: ClosedInfo,
  ][] = [
    [
      'the client closes with code 1000',
      ({ client }) => client.send({ opcode: OP.close, payload: closeBody(1000, 'bye') }),
      'client namespace disconnect',
      { code: 1000, reason: 'bye', wasClean: true, initiator: 'client' },
    ],
    [
      'the client closes without a code',
      ({ client }) => client.send({ opcode: OP.close }),
      'client namespace disconnect',
      { code: 1005, reason: '', wasClean: true, initiator: 'client' },
    ],
    [
      'the client closes with an application code',
      ({ client }) => client.send({ opcode: OP.close, payload: closeBody(4321, 'ü'.repeat(61)) }),
      'transport close',
      { code: 4321, reason: 'ü'.repeat(61), wasClean: true, initiator: 'client' },
    ],
    [
      'the client ends the TCP connection',
      ({ client }) => client.tcp.end(),
      'transport close',
      { code: 1006, reason: '', wasClean: false, initiator: 'network' },
    ],
    [
      'the client resets the TCP connection',
      ({ client }) => client.tcp.resetAndDestroy(),
      'transport close',
      { code: 1006, reason: '', wasClean: false, initiator: 'network' },
    ],
    [
      'the server terminates the connection',
      ({ socket }) => socket.terminate(),
      'forced close',
      { code: 1006, reason: '', wasClean: false, initiator: 'server' },
    ],
    [
      'the server closes without a code',
      ({ socket }) => socket.close(),
      DISCONNECTED,
      { code: 1005, reason: '', wasClean: true, initiator: 'server' },
    ],
  ];

  it.each(disconnects)(
    'handleDisconnect receives the disconnect reason and the close details when %s',
    async (_, act, disconnectReason, closed) => {
      const scene = await startScene({});
      act(scene);
      await until('handleDisconnect', () => scene.gateway.disconnects.length === 1);
      expect(scene.gateway.disconnects).toEqual([[disconnectReason, closed]]);
    },
  );

  const LONG: [cause: string, reason: string, cut: string][] = [
    ['bytes', 'x'.repeat(500), 'x'.repeat(123)],
    ['exactly as much as fits', 'x'.repeat(123), 'x'.repeat(123)],
    ['two bytes a character', 'ü'.repeat(100), 'ü'.repeat(61)],
    ['three bytes a character', '€'.repeat(100), '€'.repeat(41)],
    ['four bytes a character', '😀'.repeat(100), '😀'.repeat(30)],
    ['a mixture', `x${'😀'.repeat(100)}`, `x${'😀'.repeat(30)}`],
  ];

  it.each(LONG)('cuts a long reason between characters: %s', async (_, reason, cut) => {
    const ways: ((scene: Scene) => unknown)[] = [
      ({ socket }) => socket.close(4000, reason),
      ({ socket }) => socket.close(4000, Buffer.from(reason)),
    ];
    for (const way of ways) {
      const scene = await startScene({});
      way(scene);
      expect(await receiveClose(scene.client)).toEqual({ code: 4000, reason: cut });
      expect(scene.socket.closed).toEqual({ code: 4000, reason: cut, wasClean: true, initiator: 'server' });
    }
    const rejected = await startScene({ query: `?behavior=refuses&reason=${encodeURIComponent(reason)}` });
    expect(await receiveClose(rejected.client)).toEqual({ code: 1008, reason: cut });
    expect(rejected.gateway.disconnects).toEqual([
      [DISCONNECTED, { code: 1008, reason: cut, wasClean: true, initiator: 'server' }],
    ]);
    const app = await startApp({ providers: [ClosingGateway] });
    app.adapter.create(0, { path: '/ws' }).use((_socket, next) => next(new Error(reason)));
    expect(await receiveClose(await RawClient.connect(app.port, '/ws'))).toEqual({ code: 1008, reason: cut });
  });

  it('replaces a lone surrogate in a reason with a valid UTF-8 character', async () => {
    const scene = await startScene({});
    scene.socket.close(4000, `${'x'.repeat(121)}\ud83d`);
    const { code, reason } = await receiveClose(scene.client);
    expect(code).toBe(4000);
    expect(['x'.repeat(121), `${'x'.repeat(121)}\ufffd`]).toContain(reason);
  });
});
