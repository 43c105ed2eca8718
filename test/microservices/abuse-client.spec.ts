import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom, retry } from 'rxjs';
import { WebSocketServer } from 'ws';
import { EnvelopeClient } from '../../lib/microservices/index.js';
import { until } from '../support/wait.js';
import { startHybrid } from './fixture.js';

let calls = 0;
@Controller()
class TestController {
  @MessagePattern('once')
  once(): Promise<string> | string {
    return ++calls === 1 ? new Promise<string>(() => undefined) : 'second';
  }
  @MessagePattern('fast')
  fast(): string {
    return 'fast';
  }
}
const clients: EnvelopeClient[] = [];
const closing: (() => void)[] = [];
const createClient = (options: ConstructorParameters<typeof EnvelopeClient>[0]): EnvelopeClient => {
  const client = new EnvelopeClient({ reconnectionDelay: 1, reconnectionDelayMax: 5, ...options });
  clients.push(client);
  return client;
};
afterEach(() => {
  clients.splice(0).forEach((client) => client.close());
  closing.splice(0).forEach((close) => close());
});

it('succeeds with one retry after the connection was lost', async () => {
  calls = 0;
  const app = await startHybrid({ controllers: [TestController] });
  const client = createClient({ url: app.url('/') });
  const result = firstValueFrom(client.send<string>('once', {}).pipe(retry(1)));
  await until('called', () => calls === 1);
  for (const socket of app.adapter.create(0).sockets.sockets.values()) socket.terminate();
  expect(await result).toBe('second');
});

it.each([
  ['{"kind":"error","id":1}'],
  ['{"kind":"error","id":1,"payload":""}'],
  ['{"event":"exception","ack":1}'],
  ['{"kind":"error","id":1,"payload":null}'],
])('rejects on an error without a payload: %s', async (answer) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (ws) =>
    (closing.push(() => ws.terminate()), ws.send('{"event":"$session","data":{}}'), ws).on('message', () =>
      ws.send(answer),
    ),
  );
  await new Promise((resolve) => server.once('listening', resolve));
  const client = createClient({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const got = await lastValueFrom(client.send('x', {}), { defaultValue: 'completed' }).catch(() => 'failed');
  client.close();
  server.close();
  expect(got).toBe('failed');
});

it('ignores invalid messages without crashing', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const invalidMessages = [
    'null',
    '[]',
    '1',
    '{',
    '{"kind":{},"id":{}}',
    '{"kind":"response"}',
    '{"ack":null}',
    '{"kind":"response","id":"1"}',
    '{"kind":"response","id":[1]}',
  ];
  server.on('connection', (ws) =>
    (closing.push(() => ws.terminate()), ws.send('{"event":"$session","data":{}}'), ws).on('message', () => {
      for (const one of invalidMessages) ws.send(one);
      ws.send(Buffer.from([0xff, 0xfe]));
      ws.send(Buffer.from('{"kind":"response","id":1,"payload":"ok"}'));
    }),
  );
  await new Promise((resolve) => server.once('listening', resolve));
  const client = createClient({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` });
  expect(await firstValueFrom(client.send('x', {}))).toBe('ok');
  client.close();
  server.close();
});

it('honours Retry-After instead of connecting again for each send', async () => {
  let upgrades = 0;
  const server = createServer();
  server.on('upgrade', (_q, socket) => {
    upgrades++;
    socket.end('HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createClient({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` });
  for (let i = 0; i < 20; i++) await firstValueFrom(client.send('x', {})).catch(() => undefined);
  client.close();
  server.close();
  expect(upgrades).toBeLessThan(3);
});

it('rejects pending sends when it is closed while connecting', async () => {
  const server = createServer();
  let upgrades = 0;
  server.on('upgrade', (_q, socket) => {
    upgrades++;
    closing.push(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createClient({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const sends = Array.from({ length: 50 }, () =>
    firstValueFrom(client.send('x', {})).catch((e: Error) => e.message),
  );
  await until('the upgrade', () => upgrades === 1);
  client.close();
  expect(new Set(await Promise.all(sends))).toEqual(new Set(['the client was closed']));
  closing.splice(0).forEach((close) => close());
  server.close();
});

it('delivers the answers to a thousand sends that were queued while connecting', async () => {
  const app = await startHybrid({ controllers: [TestController] });
  const client = createClient({ url: app.url('/') });
  const sends = Array.from({ length: 1000 }, () =>
    firstValueFrom(client.send('fast', {})).catch((e: unknown) => JSON.stringify(e)),
  );
  expect(new Set(await Promise.all(sends))).toEqual(new Set(['fast']));
});

it('rejects only the send whose payload JSON cannot encode', async () => {
  const app = await startHybrid({ controllers: [TestController] });
  const client = createClient({ url: app.url('/') });
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  await expect(firstValueFrom(client.send('fast', circular))).rejects.toThrow('circular');
  await expect(lastValueFrom(client.emit('fast', { n: 1n }))).rejects.toThrow('BigInt');
  expect(await firstValueFrom(client.send('fast', {}))).toBe('fast');
});
