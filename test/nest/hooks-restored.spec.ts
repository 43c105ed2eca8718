import { Catch, Inject, UseFilters, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { EnvelopeAdapter, EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

@Catch()
class NamedFilter implements ExceptionFilter {
  constructor(@Inject('NAME') private readonly name: string) {}
  catch(_: unknown, host: ArgumentsHost): void {
    host.switchToWs().getClient<EnvelopeSocket>().emit('exception', { by: this.name });
  }
}

class Base {
  readonly calls: string[] = [];
  handleDisconnect(_: EnvelopeSocket, reason: string): void {
    this.calls.push(reason);
  }
}

@UseFilters(NamedFilter)
@WebSocketGateway()
class SharedGateway extends Base {
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (client.handshake.query['refuse'] !== undefined) throw new WsException('refused');
    this.calls.push('connected');
  }
  @UseFilters(NamedFilter)
  @SubscribeMessage('note')
  note(): void {
    this.calls.push('note');
    throw new WsException('noted');
  }
  @SubscribeMessage('other')
  other(): void {}
}

@WebSocketGateway({ path: '/arrow' })
class ArrowGateway {
  handleConnection = (): void => undefined;
}

/** Returns everything that the adapter could change on a class. */
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

  /** Asserts that every patched behaviour expectPatched. */
  async function expectPatched(app: TestApp, name: string): Promise<void> {
    const { calls } = app.nest.get(SharedGateway);
    calls.length = 0;
    const client = await app.connect();
    expect(await client.ask('note', 1, 1)).toEqual({ event: 'exception', data: { by: name }, ack: 1 });
    client.close(1000);
    await until('handleDisconnect', () => calls.length === 3);
    expect(calls).toEqual(['connected', 'note', 'client namespace disconnect']);
    const refused = await app.connect('/?refuse');
    expect((await refused.ended()).code).toBe(1008);
    expect(refused.frames).toEqual([{ event: 'exception', data: { by: name } }]);
  }

  it('restores the gateway classes', async () => {
    const app = await start('one');
    expect(snapshot(SharedGateway)).not.toEqual(before);
    await expectPatched(app, 'one');
    await app.nest.close();
    expect(snapshot(SharedGateway)).toEqual(before);
    expect(metadataOf(ArrowGateway.prototype)).toBeUndefined();
  });

  it('restores the gateway instances', async () => {
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
  ])(
    'leaves another application with the same classes working, even if it started %s',
    async (_, remaining) => {
      const apps = [await start('app 0'), await start('app 1')];
      for (const [index, app] of apps.entries()) await expectPatched(app, `app ${index}`);
      await apps[1 - remaining]!.nest.close();
      expect(snapshot(SharedGateway)).not.toEqual(before);
      await expectPatched(apps[remaining]!, `app ${remaining}`);
      await apps[remaining]!.nest.close();
      expect(snapshot(SharedGateway)).toEqual(before);
    },
  );

  it('lets the next application use the classes', async () => {
    await (await start('one')).nest.close();
    const app = await start('two');
    await expectPatched(app, 'two');
    await app.nest.close();
    expect(snapshot(SharedGateway)).toEqual(before);
  });

  it('accepts a second close and a second dispose', async () => {
    const [app, other] = [await start('app'), await start('other')];
    await app.nest.close();
    await app.nest.close();
    await app.adapter.dispose();
    await expectPatched(other, 'other');
    expect(app.adapter).toBeInstanceOf(EnvelopeAdapter);
  });
});
