import { Controller, Inject, Injectable } from '@nestjs/common';
import {
  ClientsModule,
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  type ClientProxy,
} from '@nestjs/microservices';
import {
  finalize,
  firstValueFrom,
  interval,
  lastValueFrom,
  of,
  take,
  timeout,
  toArray,
  type Observable,
} from 'rxjs';
import { EnvelopeClient, EnvelopeContext } from '../../lib/microservices/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { deferred, until } from '../support/wait.js';
import { startHybrid } from './fixture.js';

const received: unknown[] = [];
let released = 0;

@Controller()
class NumbersController {
  @MessagePattern('double')
  async double(@Payload() value: number): Promise<number> {
    await new Promise(setImmediate);
    return value * 2;
  }
  @MessagePattern({ cmd: 'list' })
  list(): Observable<number> {
    return of(1, 2, 3);
  }
  @MessagePattern('ticks')
  ticks(): Observable<number> {
    return interval(5).pipe(finalize(() => released++));
  }
  @MessagePattern('never')
  never(): Promise<never> {
    return new Promise(() => undefined);
  }
  @MessagePattern('nothing')
  nothing(): void {}
  @MessagePattern('fails')
  fails(): never {
    throw new RpcException({ status: 'error', code: 3, message: 'no' });
  }
  @MessagePattern('metadata')
  metadata(@Ctx() context: EnvelopeContext): object {
    return context.getMetadata();
  }
  @EventPattern('received')
  received(@Payload() data: unknown): void {
    received.push(data);
  }
}

@Injectable()
class Caller {
  constructor(@Inject('NUMBERS') readonly numbers: ClientProxy) {}
}

async function caller(server: TestApp, options: object = {}): Promise<EnvelopeClient> {
  const url = server.url('/rpc');
  const clients = ClientsModule.register([
    { name: 'NUMBERS', customClass: EnvelopeClient, options: { url, ...options } },
  ]);
  const app = await startApp({ imports: [clients], providers: [Caller] });
  return app.nest.get(Caller).numbers as unknown as EnvelopeClient;
}

const startService = (port?: number): Promise<TestApp> =>
  startHybrid(
    { controllers: [NumbersController] },
    {
      adapter: { shutdownTimeout: 50 },
      transport: { path: '/rpc' },
      ...(port !== undefined && { listen: { host: '127.0.0.1', port } }),
    },
  );

beforeEach(() => {
  received.splice(0);
  released = 0;
});

describe('EnvelopeClient as a ClientProxy', () => {
  it('returns one value, several values, or none', async () => {
    const numbers = await caller(await startService());
    expect(await firstValueFrom(numbers.send<number>('double', 21))).toBe(42);
    expect(await firstValueFrom(numbers.send<number>({ cmd: 'list' }, {}).pipe(toArray()))).toEqual([
      1, 2, 3,
    ]);
    expect(await lastValueFrom(numbers.send('nothing', {}), { defaultValue: 'none' })).toBe('none');
  });

  it('sends many messages on one connection at the same time', async () => {
    const server = await startService();
    const numbers = await caller(server);
    const values = Array.from({ length: 200 }, (_, i) => i);
    const doubled = await Promise.all(
      values.map((value) => firstValueFrom(numbers.send<number>('double', value))),
    );
    expect(doubled).toEqual(values.map((value) => value * 2));
    expect(server.adapter.create(0, { path: '/rpc' }).engine.clientsCount).toBe(1);
  });

  it('rejects with the error of the service or after a timeout', async () => {
    const numbers = await caller(await startService());
    await expect(firstValueFrom(numbers.send('fails', {}))).rejects.toEqual({
      ...{ status: 'error', code: 3, message: 'no' },
    });
    await expect(firstValueFrom(numbers.send('unknown', {}))).rejects.toMatchObject({ status: 'error' });
    await expect(firstValueFrom(numbers.send('never', {}).pipe(timeout(50)))).rejects.toThrow('Timeout');
  });

  it('ends a source when the subscriber unsubscribes', async () => {
    const numbers = await caller(await startService());
    const values = await firstValueFrom(numbers.send<number>('ticks', {}).pipe(take(3), toArray()));
    expect(values).toEqual([0, 1, 2]);
    await until('the source has ended', () => released === 1);
  });

  it('sends metadata next to the payload', async () => {
    let count = 0;
    const numbers = await caller(await startService(), {
      metadata: () => ({ traceparent: `00-${++count}` }),
    });
    const metadata = await firstValueFrom(numbers.send<object>('metadata', {}));
    expect([metadata, await firstValueFrom(numbers.send<object>('metadata', {}))]).toEqual([
      { traceparent: '00-1' },
      { traceparent: '00-2' },
    ]);
  });

  it('emits events', async () => {
    const numbers = await caller(await startService());
    await lastValueFrom(numbers.emit('received', { some: 'thing' }), { defaultValue: undefined });
    await until('the event', () => received.length === 1);
    expect(received).toEqual([{ some: 'thing' }]);
  });

  it('reconnects to a service that was unavailable, emits its status, and rejects pending messages', async () => {
    const server = await startService();
    const { port } = server;
    const numbers = await caller(server, { reconnectionDelay: 10, reconnectionDelayMax: 20 });
    const statuses: string[] = [];
    numbers.status.subscribe((status) => statuses.push(status));
    const under = deferred<Error>();
    numbers.send('never', {}).subscribe({ error: under.resolve });
    await until('it is connected', () => statuses.includes('connected'));
    await firstValueFrom(numbers.send('double', 1));
    await server.close();
    expect((await under.promise).message).toContain('connection lost');
    await until('it reconnects', () => statuses.includes('reconnecting'));
    await startService(port);
    await until('it is connected again', () => statuses.at(-1) === 'connected');
    expect(await firstValueFrom(numbers.send<number>('double', 2))).toBe(4);
    expect(statuses).toEqual(['connected', 'reconnecting', 'connected']);
  });

  it('rejects with the reason of a failed connection, and closes with disconnect', async () => {
    const server = await startService();
    const unknownPath = await caller(server, { url: server.url('/nowhere') });
    await expect(firstValueFrom(unknownPath.send('double', 1))).rejects.toThrow('404');
    const numbers = await caller(server);
    const never = firstValueFrom(numbers.send('never', {}));
    await firstValueFrom(numbers.send('double', 1));
    numbers.close();
    await expect(never).rejects.toThrow('connection lost');
    // Like the clients of Nest, it connects again when it is used again.
    expect(await firstValueFrom(numbers.send<number>('double', 4))).toBe(8);
    numbers.close();
  });
});
