import { Injectable } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../../lib/index.js';
import { startApp } from '../../support/app.js';
import { expectNoUnhandledErrors } from '../../support/unhandled-errors.js';
import { until } from '../../support/wait.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** What every gateway below shares. */
abstract class Base {
  readonly trail: string[] = [];
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    await nextTurn();
    if (client.handshake.query['refuse'] !== undefined) throw new WsException('refused by the base');
    this.trail.push('base connected');
  }
  handleDisconnect(_: EnvelopeSocket, reason: string): void {
    this.trail.push(`base left: ${reason}`);
  }
  @SubscribeMessage('note')
  note(): string {
    this.trail.push('note');
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
    this.trail.push('derived begins');
    await super.handleConnection(client);
    this.trail.push('derived connected');
  }
  override handleDisconnect(client: EnvelopeSocket, reason: string): void {
    super.handleDisconnect(client, reason);
    this.trail.push(`derived left: ${reason}`);
  }
}

/** A gateway that is derived from a gateway, and itself the base of one. */
@WebSocketGateway({ path: '/grandchild' })
class GrandchildGateway extends DerivedGateway {
  override async handleConnection(client: EnvelopeSocket): Promise<void> {
    await super.handleConnection(client);
    this.trail.push('grandchild connected');
  }
}

@WebSocketGateway({ path: '/quiet' })
class QuietGateway extends DerivedGateway {}

/** A decorator of a library, say, that swaps the class for a subclass. */
// eslint-disable-next-line -- TypeScript wants these very words of a mixin
function Swapped<Class extends new (...args: any[]) => object>(type: Class): Class {
  return class extends type {};
}

@WebSocketGateway({ path: '/swapped' })
@Swapped
class SwappedGateway extends Base {}

@Injectable()
class Service {
  readonly greeting = 'hello';
}

/** Calls `super` by what it caught, not by what it should. */
@WebSocketGateway({ path: '/forgiving' })
class ForgivingGateway extends Base {
  constructor(readonly service: Service) {
    super();
  }
  override async handleConnection(client: EnvelopeSocket): Promise<void> {
    await super
      .handleConnection(client)
      .catch((error: Error) => this.trail.push(`forgiven: ${error.message}`));
    client.emit(this.service.greeting);
  }
}

expectNoUnhandledErrors();

describe('inherited lifecycle hooks', () => {
  const base = ['base connected', 'note', 'base left: client namespace disconnect'];
  const derived = [
    'derived begins',
    'base connected',
    'derived connected',
    'note',
    'base left: client namespace disconnect',
    'derived left: client namespace disconnect',
  ];
  const all = [PlainGateway, OtherGateway, DerivedGateway, GrandchildGateway, QuietGateway, SwappedGateway];

  it.each([
    ['/plain', PlainGateway, base],
    ['/other', OtherGateway, base],
    ['/swapped', SwappedGateway, base],
    ['/derived', DerivedGateway, derived],
    ['/quiet', QuietGateway, derived],
    ['/grandchild', GrandchildGateway, [...derived.slice(0, 3), 'grandchild connected', ...derived.slice(3)]],
  ])('of %s run once, and are waited for', async (path, type, trail) => {
    const app = await startApp({ providers: all });
    const gateway = app.nest.get<Base>(type);
    const client = await app.connect(path);
    await client.ask('note');
    client.close(1000);
    await until('handleDisconnect', () => gateway.trail.length >= trail.length);
    expect(gateway.trail).toEqual(trail);
    for (const other of all) if (other !== type) expect(app.nest.get<Base>(other).trail).toEqual([]);
  });

  it.each(['/plain', '/other', '/derived', '/quiet', '/grandchild', '/swapped'])(
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

  it('let a derived class catch what its base threw', async () => {
    const app = await startApp({ providers: [ForgivingGateway, Service] });
    const client = await app.connect('/forgiving?refuse');
    await client.next('hello');
    expect((await client.ask('note')).data).toBe('ForgivingGateway');
    expect(app.nest.get(ForgivingGateway).trail).toEqual(['forgiven: refused by the base', 'note']);
  });

  it('of two gateways of one class hierarchy on one path run once each', async () => {
    @WebSocketGateway({ path: '/both' })
    class One extends Base {}
    @WebSocketGateway({ path: '/both' })
    class Two extends One {}
    const app = await startApp({ providers: [One, Two] });
    const client = await app.connect('/both');
    await client.settled();
    client.close(1000);
    const [one, two] = [app.nest.get(One), app.nest.get(Two)];
    await until('both to leave', () => one.trail.length + two.trail.length === 4);
    for (const { trail } of [one, two]) expect(trail).toEqual([base[0], base[2]]);
  });
});
