import { Catch, Inject, UseFilters, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { EnvelopeAdapter, EnvelopeSocket } from '../../../lib/index.js';
import { startApp, type TestApp } from '../../support/app.js';
import { expectNoUnhandledErrors } from '../../support/unhandled-errors.js';
import { until } from '../../support/wait.js';

@Catch()
class NamedFilter implements ExceptionFilter {
  constructor(@Inject('NAME') private readonly name: string) {}
  catch(_: unknown, host: ArgumentsHost): void {
    host.switchToWs().getClient<EnvelopeSocket>().emit('exception', { by: this.name });
  }
}

class Base {
  readonly trail: string[] = [];
  handleDisconnect(_: EnvelopeSocket, reason: string): void {
    this.trail.push(reason);
  }
}

@UseFilters(NamedFilter)
@WebSocketGateway()
class SharedGateway extends Base {
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (client.handshake.query['refuse'] !== undefined) throw new WsException('refused');
    this.trail.push('connected');
  }
  @UseFilters(NamedFilter)
  @SubscribeMessage('note')
  note(): void {
    this.trail.push('note');
    throw new WsException('noted');
  }
  @SubscribeMessage('other')
  other(): void {}
}

@WebSocketGateway({ path: '/arrow' })
class ArrowGateway {
  handleConnection = (): void => undefined;
}

/** Everything that the adapter could have changed on a class. */
function snapshot(type: new () => object): unknown {
  const prototype = type.prototype as Record<string, unknown>;
  return {
    properties: Object.getOwnPropertyDescriptors(prototype),
    base: Object.getOwnPropertyDescriptors(Object.getPrototypeOf(prototype)),
    statics: Object.getOwnPropertyNames(type),
    metadata: [type, prototype, ...Object.values(prototype), ...methodsOf(prototype)].map(metadataOf),
  };
}
function methodsOf(prototype: object): unknown[] {
  return Object.getOwnPropertyNames(prototype).map((name) => Reflect.get(prototype, name) as unknown);
}
function metadataOf(target: unknown): unknown {
  if (typeof target !== 'function') return undefined;
  const keys = Reflect.getOwnMetadataKeys(target) as string[];
  return keys.map((key) => [key, Reflect.getOwnMetadata(key, target) as unknown]);
}

const before = snapshot(SharedGateway);

expectNoUnhandledErrors();

describe('after the application closed', () => {
  const start = (name: string): Promise<TestApp> =>
    startApp({ providers: [SharedGateway, ArrowGateway, { provide: 'NAME', useValue: name }] });

  /** Whether the application does all that is patched in. */
  async function works(app: TestApp, name: string): Promise<void> {
    const { trail } = app.nest.get(SharedGateway);
    trail.length = 0;
    const client = await app.connect();
    expect(await client.ask('note', 1, 1)).toEqual({ event: 'exception', data: { by: name }, ack: 1 });
    client.close(1000);
    await until('handleDisconnect', () => trail.length === 3);
    expect(trail).toEqual(['connected', 'note', 'client namespace disconnect']);
    const refused = await app.connect('/?refuse');
    expect((await refused.ended()).code).toBe(1008);
    expect(refused.frames).toEqual([{ event: 'exception', data: { by: name } }]);
  }

  it('its gateway classes are as they were', async () => {
    const app = await start('one');
    expect(snapshot(SharedGateway)).not.toEqual(before);
    await works(app, 'one');
    await app.nest.close();
    expect(snapshot(SharedGateway)).toEqual(before);
    expect(metadataOf(ArrowGateway.prototype)).toBeUndefined();
  });

  it('its instances are as they were', async () => {
    const app = await start('one');
    const gateway = app.nest.get(ArrowGateway);
    const wrapped = gateway.handleConnection;
    await app.nest.close();
    expect(gateway.handleConnection).not.toBe(wrapped);
    expect(gateway.handleConnection.length).toBe(0);
    expect(Object.keys(gateway)).toEqual(['handleConnection']);
  });

  it.each([
    ['first', 0],
    ['last', 1],
  ])('another one that shares the classes works on, also where it started %s', async (_, stays) => {
    const apps = [await start('app 0'), await start('app 1')];
    for (const [index, app] of apps.entries()) await works(app, `app ${index}`);
    await apps[1 - stays]!.nest.close();
    expect(snapshot(SharedGateway)).not.toEqual(before);
    await works(apps[stays]!, `app ${stays}`);
    await apps[stays]!.nest.close();
    expect(snapshot(SharedGateway)).toEqual(before);
  });

  it('its classes serve the next', async () => {
    await (await start('one')).nest.close();
    const app = await start('two');
    await works(app, 'two');
    await app.nest.close();
    expect(snapshot(SharedGateway)).toEqual(before);
  });

  it('closing twice, and disposing twice, does no harm', async () => {
    const [app, other] = [await start('app'), await start('other')];
    await app.nest.close();
    await app.nest.close();
    await app.adapter.dispose();
    await works(other, 'other');
    expect(app.adapter).toBeInstanceOf(EnvelopeAdapter);
  });
});
