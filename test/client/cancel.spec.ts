import { getEventListeners } from 'node:events';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { TimeoutError, type ClientOptions, type ClientSocket } from '../../lib/client/node.js';
import { Signal } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { coded } from '../support/error-code.js';
import { deferred, until } from '../support/wait.js';
import { client, next } from './fixture.js';
import { connectToServer, HELLO } from './hostile-server.js';

interface Emitted {
  report: (data: string, answer: (text: string) => void) => void;
  echo: (data: string, answer: (text: string) => void) => void;
}

@WebSocketGateway({ path: '/report' })
class ReportGateway {
  readonly signals: AbortSignal[] = [];
  gate = deferred();

  @SubscribeMessage('report')
  async report(@Signal() signal: AbortSignal): Promise<string> {
    this.signals.push(signal);
    await this.gate.promise;
    return 'late';
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: string): string {
    return data;
  }
}

async function start(options?: ClientOptions): Promise<{
  app: TestApp;
  gateway: ReportGateway;
  socket: ClientSocket<Record<never, never>, Emitted>;
}> {
  const app = await startApp({ providers: [ReportGateway] });
  const socket = client<Record<never, never>, Emitted>(app.url('/report'), options);
  await next(socket, 'connect');
  return { app, gateway: app.nest.get(ReportGateway), socket };
}

async function cancelled({ signals, gate }: ReportGateway, count = 1): Promise<void> {
  await until('the abort', () => signals.length === count && signals.every((signal) => signal.aborted));
  for (const { reason } of signals) expect(reason).toMatchObject({ cause: 'cancelled' });
  gate.resolve();
}

describe('a request that nobody waits for any more', () => {
  it('is cancelled on the server after a timeout', async () => {
    const { app, gateway, socket } = await start({ ackTimeout: 30 });
    await expect(socket.emitWithAck('report', 'x')).rejects.toThrow(
      coded('ERR_ENVELOPE_TIMEOUT', 'operation has timed out'),
    );
    const late = await new Promise((resolve) => socket.timeout(20).emit('report', 'x', resolve));
    expect(late).toBeInstanceOf(TimeoutError);
    await cancelled(gateway, 2);
    expect(await socket.timeout(5_000).emitWithAck('echo', 'goes on')).toBe('goes on');
    expect(app.log.of('error')).toEqual([]);
  });

  it('is cancelled by a signal, and rejects with its reason', async () => {
    const { gateway, socket } = await start();
    const stop = new AbortController();
    const request = socket.signal(stop.signal).emitWithAck('report', 'x');
    const callback = new Promise((resolve) => socket.signal(stop.signal).emit('report', 'x', resolve));
    await until('the handlers', () => gateway.signals.length === 2);
    const reason = new Error('the user has left the page');
    stop.abort(reason);
    await expect(request).rejects.toBe(reason);
    expect(await callback).toBe(reason);
    await cancelled(gateway, 2);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });

  it.each([undefined, null, 0])('rejects if the reason is %s', async (reason) => {
    const { gateway, socket } = await start();
    const stop = new AbortController();
    const request = socket.signal(stop.signal).emitWithAck('report', 'x');
    stop.abort(reason);
    const settled = await request.then(
      () => 'resolved',
      (error: unknown) => ({ error }),
    );
    expect(settled).toEqual({ error: reason ?? expect.objectContaining({ name: 'AbortError' }) });
    await cancelled(gateway);
  });

  it('keeps its timeout beside a signal', async () => {
    const { gateway, socket } = await start();
    const { signal } = new AbortController();
    const request = socket.timeout(20).signal(signal).emitWithAck('report', 'x');
    await expect(request).rejects.toBeInstanceOf(TimeoutError);
    await cancelled(gateway);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('is not sent if its signal is aborted, or aborts while it is queued', async () => {
    const { gateway, socket } = await start();
    await expect(socket.signal(AbortSignal.abort()).emitWithAck('report', 'x')).rejects.toMatchObject({
      name: 'AbortError',
    });
    socket.disconnect().connect();
    const stop = new AbortController();
    const queued = socket.signal(stop.signal).emitWithAck('report', 'x');
    stop.abort();
    await expect(queued).rejects.toMatchObject({ name: 'AbortError' });
    expect(await socket.emitWithAck('echo', 'done')).toBe('done');
    expect(gateway.signals).toEqual([]);
  });

  it('leaves no listener on the signal after an answer, a failure, or a lost connection', async () => {
    const { app, gateway, socket } = await start();
    const { signal } = new AbortController();
    const listening = (): number => getEventListeners(signal, 'abort').length;
    expect(await socket.signal(signal).emitWithAck('echo', 'x')).toBe('x');
    await expect(socket.signal(signal).emitWithAck('unknown' as 'echo', 'x')).rejects.toThrow('unknown');
    expect(listening()).toBe(0);
    const lost = socket.signal(signal).emitWithAck('report', 'x');
    await until('the handler', () => gateway.signals.length === 1);
    expect(listening()).toBe(1);
    for (const one of app.adapter.create(0, { path: '/report' }).sockets.values()) one.terminate();
    await expect(lost).rejects.toMatchObject({ code: 'ERR_ENVELOPE_DISCONNECTED' });
    expect(listening()).toBe(0);
    gateway.gate.resolve();
  });

  it('is an error without a signal', async () => {
    const { socket } = await start();
    for (const given of [undefined, null, {}, 'x', new AbortController()])
      expect(() => socket.signal(given as AbortSignal)).toThrow(
        coded('ERR_ENVELOPE_INVALID_ARGUMENT', 'signal is not an AbortSignal'),
      );
  });

  it.each([
    ['has no feature "cancel"', HELLO, []],
    ['has it', HELLO.replace('[]', '["cancel"]'), [{ event: '$cancel', data: 1 }]],
    ['sends something else', HELLO.replace('[]', '"cancel"'), []],
  ])('is cancelled only where the server can: it %s', async (_, hello, expected) => {
    const { socket, ws } = await connectToServer(hello);
    const received: { event?: string }[] = [];
    ws.on('message', (message) => received.push(JSON.parse(String(message)) as object));
    await expect(socket.timeout(10).emitWithAck('never')).rejects.toBeInstanceOf(TimeoutError);
    expect(await socket.emitWithAck('echo', 'x')).toBe('x');
    expect(received.filter(({ event }) => event === '$cancel')).toEqual(expected);
  });
});
