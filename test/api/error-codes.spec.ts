import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { connect, ClientSocket } from '../../lib/client/node.js';
import {
  EnvelopeAdapter,
  EnvelopeServer,
  EnvelopeSocket,
  RemoteSocket,
  user,
  type EnvelopeErrorCode,
} from '../../lib/index.js';
import { EnvelopeClient, EnvelopeTransport } from '../../lib/microservices/index.js';
import { createTestClient } from '../../lib/testing/index.js';
import { startApp } from '../support/app.js';
import { coded } from '../support/error-code.js';

@WebSocketGateway()
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;
  socket!: EnvelopeSocket;
  handleConnection(socket: EnvelopeSocket): void {
    this.socket = socket;
  }
  @SubscribeMessage('wrong calls')
  wrongCalls(): unknown[] {
    const { server, socket } = this;
    const calls: readonly (() => unknown)[] = [
      () => socket.emit('connect'),
      () => socket.emit(''),
      () => socket.emit('said', { bytes: new Uint8Array(1) }),
      () => socket.timeout('1' as never),
      () => socket.close(999),
      () => (socket.expiresAt = 1_700_000_000),
      () => server.to('red').emit('$said'),
      () => server.to('red').compress(1 as never),
      () => server.serverSideEmit('connection'),
      () => server.presence.on('joined' as never, () => undefined),
      () => server.to([{}] as never),
    ];
    return calls.map((call) => codeOf(call));
  }
}

/** Calls a function and returns the code of its error. */
function codeOf(call: () => unknown): unknown {
  try {
    call();
    return 'no error';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

it('errors of wrong calls on the server have codes', async () => {
  const app = await startApp({ providers: [Gateway] });
  const client = await app.connect('/');
  expect((await client.ask('wrong calls')).data).toEqual([
    'ERR_ENVELOPE_RESERVED_EVENT',
    'ERR_ENVELOPE_INVALID_EVENT',
    'ERR_ENVELOPE_INVALID_PAYLOAD',
    'ERR_ENVELOPE_INVALID_ARGUMENT',
    'ERR_ENVELOPE_INVALID_ARGUMENT',
    'ERR_ENVELOPE_INVALID_ARGUMENT',
    'ERR_ENVELOPE_RESERVED_EVENT',
    'ERR_ENVELOPE_INVALID_ARGUMENT',
    'ERR_ENVELOPE_RESERVED_EVENT',
    'ERR_ENVELOPE_INVALID_ARGUMENT',
    'ERR_ENVELOPE_ROOM_LIMIT',
  ] satisfies EnvelopeErrorCode[]);
});

it('errors of wrong calls on the client have codes', async () => {
  const socket = connect('ws://127.0.0.1:1/', { autoConnect: false });
  const bytes = new Uint8Array(1);
  const calls: readonly [EnvelopeErrorCode, () => unknown][] = [
    ['ERR_ENVELOPE_RESERVED_EVENT', () => socket.emit('disconnect')],
    ['ERR_ENVELOPE_INVALID_EVENT', () => socket.emit('')],
    ['ERR_ENVELOPE_INVALID_PAYLOAD', () => socket.emit('said', bytes)],
    ['ERR_ENVELOPE_INVALID_ARGUMENT', () => socket.timeout(NaN)],
    ['ERR_ENVELOPE_INVALID_ARGUMENT', () => socket.on('said', 1 as never)],
    ['ERR_ENVELOPE_INVALID_ARGUMENT', () => connect('not a URL')],
    ['ERR_ENVELOPE_INVALID_ARGUMENT', () => connect('ws://127.0.0.1:1/', 1 as never)],
    ['ERR_ENVELOPE_INVALID_OPTION', () => connect('ws://127.0.0.1:1/', { ackTimeout: 'long' } as never)],
    ['ERR_ENVELOPE_INVALID_OPTION', () => connect('ws://127.0.0.1:1/', { pingIntervall: 1 } as never)],
  ];
  expect(calls.map(([, call]) => codeOf(call))).toEqual(calls.map(([code]) => code));
  await expect(socket.reauthenticate()).rejects.toThrow(coded('ERR_ENVELOPE_DISCONNECTED'));
  socket.disconnect();
});

it('errors of constructors that only the package calls have a code', () => {
  for (const type of [EnvelopeSocket, RemoteSocket, ClientSocket])
    expect([type.name, codeOf(() => Reflect.construct(type, []))]).toEqual([
      type.name,
      'ERR_ENVELOPE_ILLEGAL_CONSTRUCTOR',
    ]);
});

it('errors at start have codes', async () => {
  expect(() => new EnvelopeAdapter()).toThrow(coded('ERR_ENVELOPE_NO_APPLICATION'));
  expect(() => new EnvelopeServer().name).toThrow(coded('ERR_ENVELOPE_NOT_MOUNTED'));
  expect(() => user('')).toThrow(coded('ERR_ENVELOPE_INVALID_ARGUMENT'));
  const app = (await Test.createTestingModule({}).compile()).createNestApplication({ logger: false });
  const adapter = new EnvelopeAdapter(app);
  expect(() => new EnvelopeAdapter(app, { hosts: 'https://a.example' })).toThrow(
    coded('ERR_ENVELOPE_INVALID_OPTION'),
  );
  expect(() => new EnvelopeAdapter(app, { trustProxy: '1' })).toThrow(coded('ERR_ENVELOPE_INVALID_OPTION'));
  expect(() => new EnvelopeAdapter(app, { path: '/ws?a=1' })).toThrow(coded('ERR_ENVELOPE_INVALID_PATH'));
  expect(() => new EnvelopeTransport(adapter).unwrap()).toThrow(coded('ERR_ENVELOPE_NOT_LISTENING'));
  await expect(createTestClient(app, { timeout: -1 })).rejects.toThrow(coded('ERR_ENVELOPE_INVALID_OPTION'));
  await app.init();
  expect(() => new EnvelopeAdapter(app)).toThrow(coded('ERR_ENVELOPE_ALREADY_INITIALISED'));
  await app.close();

  @WebSocketGateway()
  class Lifecycle {
    @SubscribeMessage('connect') connect(): void {}
  }
  await expect(startApp({ providers: [Lifecycle] })).rejects.toThrow(coded('ERR_ENVELOPE_INVALID_EVENT'));
});

it('errors of a client of a microservice have codes', async () => {
  const client = new EnvelopeClient({ url: 'ws://127.0.0.1:1/', reconnection: false });
  expect(() => client.unwrap()).toThrow(coded('ERR_ENVELOPE_UNSUPPORTED'));
  client.close();
  expect(() => new EnvelopeClient({ url: 'ws://127.0.0.1:1/', metadata: 1 } as never)).toThrow(
    coded('ERR_ENVELOPE_INVALID_OPTION'),
  );
});
