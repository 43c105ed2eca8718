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

const heard: unknown[] = [];
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
  @EventPattern('heard')
  heard(@Payload() data: unknown): void {
    heard.push(data);
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

const serve = (port?: number): Promise<TestApp> =>
  startHybrid(
    { controllers: [NumbersController] },
    {
      adapter: { shutdownTimeout: 50 },
      transport: { path: '/rpc' },
      ...(port !== undefined && { listen: { host: '127.0.0.1', port } }),
    },
  );

beforeEach(() => {
  heard.splice(0);
  released = 0;
});

describe('EnvelopeClient, in the place of ClientProxy', () => {
  it('sends a message and gets one value, or many, or none', async () => {
    const numbers = await caller(await serve());
    expect(await firstValueFrom(numbers.send<number>('double', 21))).toBe(42);
    expect(await firstValueFrom(numbers.send<number>({ cmd: 'list' }, {}).pipe(toArray()))).toEqual([
      1, 2, 3,
    ]);
    expect(await lastValueFrom(numbers.send('nothing', {}), { defaultValue: 'none' })).toBe('none');
  });

  it('has many messages in flight on one connection', async () => {
    const server = await serve();
    const numbers = await caller(server);
    const values = Array.from({ length: 200 }, (_, i) => i);
    const doubled = await Promise.all(
      values.map((value) => firstValueFrom(numbers.send<number>('double', value))),
    );
    expect(doubled).toEqual(values.map((value) => value * 2));
    expect(server.adapter.create(0, { path: '/rpc' }).engine.clientsCount).toBe(1);
  });

  it('fails with what the service says, and in time', async () => {
    const numbers = await caller(await serve());
    await expect(firstValueFrom(numbers.send('fails', {}))).rejects.toEqual({
      ...{ status: 'error', code: 3, message: 'no' },
    });
    await expect(firstValueFrom(numbers.send('unknown', {}))).rejects.toMatchObject({ status: 'error' });
    await expect(firstValueFrom(numbers.send('never', {}).pipe(timeout(50)))).rejects.toThrow('Timeout');
  });

  it('ends a source by unsubscribing', async () => {
    const numbers = await caller(await serve());
    const values = await firstValueFrom(numbers.send<number>('ticks', {}).pipe(take(3), toArray()));
    expect(values).toEqual([0, 1, 2]);
    await until('the source is let go', () => released === 1);
  });

  it('sends what is to travel beside the payload', async () => {
    let count = 0;
    const numbers = await caller(await serve(), { metadata: () => ({ traceparent: `00-${++count}` }) });
    const told = await firstValueFrom(numbers.send<object>('metadata', {}));
    expect([told, await firstValueFrom(numbers.send<object>('metadata', {}))]).toEqual([
      { traceparent: '00-1' },
      { traceparent: '00-2' },
    ]);
  });

  it('emits events', async () => {
    const numbers = await caller(await serve());
    await lastValueFrom(numbers.emit('heard', { some: 'thing' }), { defaultValue: undefined });
    await until('it is heard', () => heard.length === 1);
    expect(heard).toEqual([{ some: 'thing' }]);
  });

  it('comes back to a service that was away, and tells of it; what was under way has failed', async () => {
    const server = await serve();
    const { port } = server;
    const numbers = await caller(server, { reconnectionDelay: 10, reconnectionDelayMax: 20 });
    const told: string[] = [];
    numbers.status.subscribe((status) => told.push(status));
    const under = deferred<Error>();
    numbers.send('never', {}).subscribe({ error: under.resolve });
    await until('it is connected', () => told.includes('connected'));
    await firstValueFrom(numbers.send('double', 1));
    await server.close();
    expect((await under.promise).message).toContain('connection lost');
    await until('it tries', () => told.includes('reconnecting'));
    await serve(port);
    await until('it is back', () => told.at(-1) === 'connected');
    expect(await firstValueFrom(numbers.send<number>('double', 2))).toBe(4);
    expect(told).toEqual(['connected', 'reconnecting', 'connected']);
  });

  it('says why there is no connection, and goodbye when it is closed', async () => {
    const server = await serve();
    const nobody = await caller(server, { url: server.url('/nowhere') });
    await expect(firstValueFrom(nobody.send('double', 1))).rejects.toThrow('404');
    const numbers = await caller(server);
    const never = firstValueFrom(numbers.send('never', {}));
    await firstValueFrom(numbers.send('double', 1));
    numbers.close();
    await expect(never).rejects.toThrow('connection lost');
    // as Nest's clients, which connect again when they are used again
    expect(await firstValueFrom(numbers.send<number>('double', 4))).toBe(8);
    numbers.close();
  });
});
