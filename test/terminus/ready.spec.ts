import { Injectable, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { startApp, startSharedApp } from '../support/app.js';
import { deferred } from '../support/wait.js';
import { ask, withHealth } from './fixture.js';

@WebSocketGateway({ path: '/ws' })
class EchoGateway {
  @SubscribeMessage('echo')
  answer(): string {
    return 'still';
  }
}

/** Resolves `begun` when the application begins to close, and delays the close until `held` resolves. */
@Injectable()
class Closing implements OnModuleDestroy, BeforeApplicationShutdown {
  readonly begun = deferred();
  held: Promise<void> | undefined;

  onModuleDestroy(): void {
    this.begun.resolve();
  }
  beforeApplicationShutdown(): Promise<void> | undefined {
    return this.held;
  }
}

describe('isReady', () => {
  it('is up while the application serves', async () => {
    const app = await startApp(withHealth({ providers: [EchoGateway] }));
    await app.connect('/ws');
    expect(await ask(app, '/ready')).toEqual({
      code: 200,
      websocket: { status: 'up', connections: 1, draining: false },
    });
  });

  it('is down from the start of a close, while clients are still served', async () => {
    const app = await startSharedApp(withHealth({ providers: [EchoGateway, Closing] }));
    const closing = app.nest.get(Closing);
    const release = deferred();
    closing.held = release.promise;
    const client = await app.connect('/ws');
    expect((await ask(app, '/ready')).code).toBe(200);
    const closed = app.nest.close();
    await closing.begun.promise;
    expect(await ask(app, '/ready')).toEqual({
      code: 503,
      websocket: {
        status: 'down',
        message: 'the application is closing',
        connections: 1,
        draining: true,
      },
    });
    expect((await client.ask('echo')).data).toBe('still');
    expect(client.closed).toBeUndefined();
    release.resolve();
    await closed;
    expect(await client.ended()).toMatchObject({ code: 1001 });
  });

  it('is down while an operator drains the node', async () => {
    const app = await startApp(withHealth({ providers: [EchoGateway] }));
    await app.adapter.operations.drain();
    expect(await ask(app, '/ready')).toEqual({
      code: 503,
      websocket: { status: 'down', message: 'the node drains', connections: 0, draining: true },
    });
    expect((await ask(app, '/health')).code).toBe(200);
    app.adapter.operations.endDrain();
    expect((await ask(app, '/ready')).code).toBe(200);
  });

  it('stays down while Terminus waits after a SIGTERM', async () => {
    const app = await startSharedApp(withHealth({ providers: [EchoGateway, Closing] }, 3_000));
    const client = await app.connect('/ws');
    const begin = performance.now();
    // as Nest does at the signal, though the types of one major do not allow it
    const closed = Reflect.apply(app.nest.close, app.nest, ['SIGTERM']) as Promise<void>;
    await app.nest.get(Closing).begun.promise;
    for (let i = 0; i < 5; i++) {
      expect((await ask(app, '/ready')).code).toBe(503);
      expect((await client.ask('echo')).data).toBe('still');
    }
    await closed;
    expect(performance.now() - begin).toBeGreaterThan(2_900);
    expect(await client.ended()).toMatchObject({ code: 1001 });
  });
});
