import { setTimeout as pause } from 'node:timers/promises';
import { Ack, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AbortError, messageContext, Ordered, Signal } from '../../lib/index.js';
import { deferred, until } from '../support/wait.js';
import { describeOurs, startIoApp } from './fixture.js';

const FOREVER = 1_000_000;
const signals: AbortSignal[] = [];
const log: unknown[] = [];
let gate = deferred();

function wait(signal: AbortSignal): Promise<unknown> {
  signals.push(signal);
  return pause(FOREVER, 'never', { signal });
}

@WebSocketGateway({ messageContext: true })
class SignalGateway {
  @SubscribeMessage('promise')
  promise(@Signal() signal: AbortSignal): Promise<unknown> {
    return wait(signal);
  }
  @SubscribeMessage('context')
  context(): Promise<unknown> {
    return wait(messageContext()!.signal);
  }
  @SubscribeMessage('by hand')
  byHand(
    @Ack() ack: ((value: unknown) => void) | undefined,
    @Signal() signal: AbortSignal,
  ): Promise<unknown> {
    ack?.('acknowledged');
    return wait(signal);
  }
  @SubscribeMessage('generator')
  async *generator(@Signal() signal: AbortSignal): AsyncGenerator<unknown> {
    yield 'first';
    yield await wait(signal);
  }
  @SubscribeMessage('quick')
  quick(@Signal() signal: AbortSignal): string {
    signals.push(signal);
    return 'done';
  }
  @Ordered()
  @SubscribeMessage('ordered')
  async ordered(@MessageBody() data: unknown): Promise<unknown> {
    log.push(data);
    await gate.promise;
    return data;
  }
  @SubscribeMessage('note')
  note(@MessageBody() data: unknown): unknown {
    log.push(data);
    return data;
  }
}

async function called(): Promise<AbortSignal> {
  await until('the handler', () => signals.length > 0);
  return signals.pop()!;
}

async function aborted(signal: AbortSignal, cause: string): Promise<void> {
  await until('the abort', () => signal.aborted);
  expect(signal.reason).toBeInstanceOf(AbortError);
  expect(signal.reason).toMatchObject({ cause });
}

describeOurs('a handler of messages of Socket.IO clients', () => {
  beforeEach(() => {
    signals.length = log.length = 0;
    gate = deferred();
  });

  it.each(['promise', 'context', 'by hand', 'generator'])(
    'has a signal that aborts when the client disconnects: %s',
    async (event) => {
      const app = await startIoApp('ours', { providers: [SignalGateway] });
      for (const args of [[], [() => undefined]]) {
        const client = await app.connect();
        client.emit(event, 'data', ...args);
        const signal = await called();
        expect(signal.aborted).toBe(false);
        client.destroy();
        await aborted(signal, 'disconnected');
      }
      const other = await app.connect();
      expect(await other.ask('note', 1)).toEqual([1]);
      expect(app.log.of('error')).toEqual([]);
    },
  );

  it('has a signal that aborts at the end of shutdownTimeout', async () => {
    const app = await startIoApp('ours', { providers: [SignalGateway] }, { ours: { shutdownTimeout: 50 } });
    const client = await app.connect();
    client.emit('promise', 'data', () => undefined);
    const signal = await called();
    const closing = app.nest.close();
    await aborted(signal, 'server shutting down');
    await closing;
    expect(app.log.of('error')).toEqual([]);
  });

  it('has a signal that does not abort after the acknowledgement', async () => {
    const app = await startIoApp('ours', { providers: [SignalGateway] });
    const client = await app.connect();
    expect(await client.ask('quick', 'data')).toEqual(['done']);
    const signal = await called();
    client.emit('promise', 'data');
    const other = await called();
    client.destroy();
    await aborted(other, 'disconnected');
    expect(signal.aborted).toBe(false);
  });

  it.each([[[]], [[() => undefined]]])('with @Ordered() lets later messages wait', async (args) => {
    const app = await startIoApp('ours', { providers: [SignalGateway] });
    const client = await app.connect();
    const other = await app.connect();
    client.emit('ordered', 'a', ...args);
    const noted = client.ask('note', 'b');
    await until('the handler', () => log.length === 1);
    expect(await other.ask('note', 'other')).toEqual(['other']);
    expect(log).toEqual(['a', 'other']);
    gate.resolve();
    expect(await noted).toEqual(['b']);
    expect(log).toEqual(['a', 'other', 'b']);
  });
});
