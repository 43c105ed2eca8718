import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { connect } from '../../lib/client/node.js';
import { roomHistory } from '../../lib/history/index.js';
import {
  BroadcastOperator,
  EnvelopeServer,
  EnvelopeSocket,
  MessageContext,
  messageContext,
  RemoteSocket,
} from '../../lib/index.js';
import { EnvelopeClient, EnvelopeContext, EnvelopeTransport } from '../../lib/microservices/index.js';
import { instrument } from '../../lib/opentelemetry/index.js';
import { EnvelopeHealthIndicator } from '../../lib/terminus/index.js';
import { createTestClient, type TestClient } from '../../lib/testing/index.js';
import { startSharedApp, type TestApp } from '../support/app.js';
import { methodsOf, methodTable, type Methods } from '../support/public-methods.js';
import { ENTRIES } from '../support/public-surface.js';

@WebSocketGateway()
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;
  socket!: EnvelopeSocket;
  context: MessageContext | undefined;
  handleConnection(socket: EnvelopeSocket): void {
    this.socket = socket;
    socket.emit('said', 'hello');
  }
  @SubscribeMessage('said')
  said(): string {
    this.context = messageContext();
    return 'answer';
  }
}

type Created = Readonly<Record<string, object>>;
let app: TestApp;
/** An application of its own, since a drain refuses all clients. */
let operated: TestApp;
let gateway: Gateway;
let created: Created;
let transports = 0;
const cleanups: (() => unknown)[] = [];
const NAMES = Object.keys(methodTable(undefined));

const CHECK = { up: (details: unknown) => details, down: (details: unknown) => details };
const answering = { on: { said: () => 'answer' } };
const join = async (): Promise<TestClient> => {
  const client = await createTestClient(app.nest, answering as object);
  cleanups.push(() => client.close());
  return client;
};

/** Creates one object of each class, with a separate client. */
async function createAll(): Promise<Created> {
  const client = await join();
  await client.emitWithAck('said');
  await client.next('said');
  const { server, socket, context } = gateway;
  const url = app.url();
  const plain = connect(url);
  plain.on('said', () => 'answer');
  const health = new EnvelopeHealthIndicator(
    { lookup: { servers: () => [] } } as never,
    { check: () => CHECK } as never,
  );
  const transport = new EnvelopeTransport(app.adapter, { path: `/rpc-${++transports}` });
  transport.listen(() => undefined);
  const microservice = new EnvelopeClient({ url });
  const operator = server.to('empty');
  const remote = new RemoteSocket(new BroadcastOperator(server), {
    id: socket.id,
    handshake: socket.handshake,
    rooms: [],
    data: {},
  });
  cleanups.push(
    () => plain.disconnect(),
    () => transport.close(),
    () => microservice.close(),
    () => health.onApplicationShutdown(),
  );
  server.presence.track(socket, 'ada');
  return {
    EnvelopeServer: server.of('/side'),
    EnvelopeSocket: socket,
    BroadcastOperator: operator,
    DirectOperator: socket.volatile,
    RemoteSocket: remote,
    'RemoteSocket.timeout()': remote.timeout(1_000),
    Presence: server.presence,
    ClientSocket: plain,
    'ClientSocket.timeout()': plain.timeout(1_000),
    'ClientSocket.signal()': plain.signal(new AbortController().signal),
    'ClientSocket.volatile': plain.volatile,
    'ClientSocket.stream()': plain.stream('said'),
    'ClientSocket.subscribe()': plain.subscribe('said'),
    TestClient: client,
    EnvelopeClient: microservice,
    EnvelopeTransport: transport,
    EnvelopeContext: new EnvelopeContext([socket, 'said', {}, undefined]),
    MessageContext: context!,
    EnvelopeHealthIndicator: health,
    EnvelopeOperations: operated.adapter.operations,
  };
}

beforeAll(async () => {
  app = await startSharedApp(
    { providers: [Gateway] },
    {
      adapter: { messageContext: true, history: roomHistory({ rooms: { red: {} } }) },
    },
  );
  operated = await startSharedApp({ providers: [Gateway] });
  gateway = app.nest.get(Gateway);
  created = await createAll();
});
afterAll(async () => {
  for (const end of cleanups.reverse()) await end();
  await app.close();
  await operated.close();
});

/** Returns the error of a call, or undefined. */
async function errorOf(subject: object, method: string, args: unknown[]): Promise<unknown> {
  try {
    await Reflect.apply(Reflect.get(subject, method) as () => unknown, subject, args);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe.each(NAMES)('%s', (name) => {
  it('has a row for each of its methods', () => {
    expect(methodsOf(created[name]!)).toEqual(Object.keys(methodTable(undefined)[name]!).sort());
  });

  const rows: Methods = methodTable(undefined)[name]!;
  for (const method of Object.keys(rows).filter((one) => rows[one]!.length > 0))
    it(`${method} works, or throws an error with the name of the missing parameter`, async () => {
      const subject = (await createAll())[name]!;
      const row = methodTable(gateway.socket)[name]![method]!;
      const valid = row.map((parameter) => parameter.valid);
      for (const [i, { name: parameter, optional, errorText: says = parameter }] of row.entries()) {
        const before = valid.slice(0, i);
        for (const args of optional === true ? [before] : [before, [...before, null]]) {
          const what = `${name}.${method}(${args.map(String).join(', ')})`;
          const error = await errorOf(subject, method, args);
          if (optional === true) expect([what, error]).toEqual([what, undefined]);
          else expect([what, String(error)]).toEqual([what, expect.stringContaining(says)]);
        }
      }
      // TestClient.next waits for this event.
      if (method === 'next') gateway.socket.emit('said', 'hello');
      expect([method, await errorOf(subject, method, valid)]).toEqual([method, undefined]);
    });
});

it('has a table for each class whose methods are not called by Nest alone', () => {
  const classes = Object.values(ENTRIES)
    .flatMap((entry) => Object.entries(entry) as [string, { readonly prototype: object }][])
    .filter(([, exported]) => /^class\b/.test(String(exported)))
    .filter(([, { prototype }]) => !(prototype instanceof Error))
    .filter(([, { prototype }]) => methodsOf(Object.create(prototype) as object).length > 0)
    .map(([name]) => name);
  expect([...new Set(classes)].filter((name) => !NAMES.includes(name)).sort()).toEqual([
    'EnvelopeAdapter',
    'EnvelopeExceptionFilter',
    'EnvelopeThrottlerGuard',
  ]);
});

it('stops what instrument() started without an argument', () => {
  const stop = instrument();
  expect(stop.length).toBe(0);
  stop();
});
