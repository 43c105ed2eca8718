import { Injectable } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** The common base class of all gateways below. */
abstract class Base {
  readonly calls: string[] = [];
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    await nextTurn();
    if (client.handshake.query['refuse'] !== undefined) throw new WsException('refused by the base');
    this.calls.push('base connected');
  }
  handleDisconnect(_: EnvelopeSocket, reason: string): void {
    this.calls.push(`base disconnected: ${reason}`);
  }
  @SubscribeMessage('note')
  note(): string {
    this.calls.push('note');
    return this.constructor.name;
  }
}

@WebSocketGateway({ path: '/plain' })
class PlainGateway extends Base {}

@WebSocketGateway({ path: '/other' })
class OtherGateway extends Base {}

@WebSocketGateway({ path: '/derived' })
class DerivedGateway extends Base {
  override async handleConnection(client: EnvelopeSocket): Promise<void> {
    this.calls.push('derived begins');
    await super.handleConnection(client);
    this.calls.push('derived connected');
  }
  override handleDisconnect(client: EnvelopeSocket, reason: string): void {
    super.handleDisconnect(client, reason);
    this.calls.push(`derived disconnected: ${reason}`);
  }
}

/** Extends a gateway that extends a gateway. */
@WebSocketGateway({ path: '/grandchild' })
class GrandchildGateway extends DerivedGateway {
  override async handleConnection(client: EnvelopeSocket): Promise<void> {
    await super.handleConnection(client);
    this.calls.push('grandchild connected');
  }
}

@WebSocketGateway({ path: '/empty' })
class EmptyDerivedGateway extends DerivedGateway {}

/** A decorator that replaces the class with a subclass, as some libraries do. */
// eslint-disable-next-line -- TypeScript requires this signature for a mixin
function ReplaceClass<Class extends new (...args: any[]) => object>(type: Class): Class {
  return class extends type {};
}

@WebSocketGateway({ path: '/replaced' })
@ReplaceClass
class ReplacedGateway extends Base {}

@Injectable()
class Service {
  readonly greeting = 'hello';
}

/** Calls `super` and catches its error. */
@WebSocketGateway({ path: '/catching' })
class CatchingGateway extends Base {
  constructor(readonly service: Service) {
    super();
  }
  override async handleConnection(client: EnvelopeSocket): Promise<void> {
    await super.handleConnection(client).catch((error: Error) => this.calls.push(`caught: ${error.message}`));
    client.emit(this.service.greeting);
  }
}

expectNoUnhandledErrors();

describe('inherited lifecycle hooks', () => {
  const base = ['base connected', 'note', 'base disconnected: client namespace disconnect'];
  const derived = [
    'derived begins',
    'base connected',
    'derived connected',
    'note',
    'base disconnected: client namespace disconnect',
    'derived disconnected: client namespace disconnect',
  ];
  const all = [
    PlainGateway,
    OtherGateway,
    DerivedGateway,
    GrandchildGateway,
    EmptyDerivedGateway,
    ReplacedGateway,
  ];

  it.each([
    ['/plain', PlainGateway, base],
    ['/other', OtherGateway, base],
    ['/replaced', ReplacedGateway, base],
    ['/derived', DerivedGateway, derived],
    ['/empty', EmptyDerivedGateway, derived],
    ['/grandchild', GrandchildGateway, [...derived.slice(0, 3), 'grandchild connected', ...derived.slice(3)]],
  ])('of %s run once and delay the messages of the client', async (path, type, calls) => {
    const app = await startApp({ providers: all });
    const gateway = app.nest.get<Base>(type);
    const client = await app.connect(path);
    await client.ask('note');
    client.close(1000);
    await until('handleDisconnect', () => gateway.calls.length >= calls.length);
    expect(gateway.calls).toEqual(calls);
    for (const other of all) if (other !== type) expect(app.nest.get<Base>(other).calls).toEqual([]);
  });

  it.each(['/plain', '/other', '/derived', '/empty', '/grandchild', '/replaced'])(
    'of %s refuse the client once',
    async (path) => {
      const app = await startApp({ providers: all });
      const client = await app.connect(`${path}?refuse`);
      expect(await client.ended()).toEqual({ code: 1008, reason: 'refused by the base' });
      expect(client.frames).toEqual([
        { event: 'exception', data: { status: 'error', message: 'refused by the base' } },
      ]);
    },
  );

  it('let a derived class catch an error of its base class', async () => {
    const app = await startApp({ providers: [CatchingGateway, Service] });
    const client = await app.connect('/catching?refuse');
    await client.next('hello');
    expect((await client.ask('note')).data).toBe('CatchingGateway');
    expect(app.nest.get(CatchingGateway).calls).toEqual(['caught: refused by the base', 'note']);
  });

  it('run once for each of two gateways of one class hierarchy on one path', async () => {
    @WebSocketGateway({ path: '/both' })
    class One extends Base {}
    @WebSocketGateway({ path: '/both' })
    class Two extends One {}
    const app = await startApp({ providers: [One, Two] });
    const client = await app.connect('/both');
    await client.settled();
    client.close(1000);
    const [one, two] = [app.nest.get(One), app.nest.get(Two)];
    await until('both disconnects', () => one.calls.length + two.calls.length === 4);
    for (const { calls } of [one, two]) expect(calls).toEqual([base[0], base[2]]);
  });
});
