import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';

/** Throws, joins and emits what the client sends. */
@WebSocketGateway({ path: '/ws' })
class CarelessGateway {
  handleConnection(client: EnvelopeSocket): void {
    client.onAnyOutgoing((event: string, ...[data]: unknown[]) => {
      if (data === 'from the client') throw new Error(event);
    });
  }
  @SubscribeMessage('emits')
  emits(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() name: string): void {
    client.emit(name, 'from the client');
  }
  @SubscribeMessage('joins')
  joins(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): unknown {
    return client.join(room);
  }
  @SubscribeMessage('throws')
  throws(@MessageBody() data: string): void {
    throw new Error(data);
  }
  @SubscribeMessage('throws text')
  throwsText(@MessageBody() data: string): void {
    throw data as unknown as Error;
  }
  @SubscribeMessage('throws nothing')
  throwsNothing(): void {
    throw Object.create(null) as Error;
  }
  @SubscribeMessage('refuses')
  refuses(@MessageBody() data: unknown): void {
    throw new WsException(String(data));
  }
}

const start = (): Promise<TestApp> =>
  startApp({ providers: [CarelessGateway] }, { adapter: { limits: { messagesPerSecond: false } } });

describe('client data in the log', () => {
  it('does not suppress other errors through many rooms of users', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    for (let index = 0; index < 600; index++) client.send({ event: 'joins', data: `$user:${index}` });
    await client.ask('refuses');
    // From joins, and from waiting messages.
    expect(app.log.of('warn').length).toBeLessThanOrEqual(10);
    await client.ask('throws', 'what matters');
    expect(app.log.of('error').join()).toContain('"throws" threw: what matters');
  });

  it('does not suppress other errors through many names that the application turns into errors', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    for (let index = 0; index < 600; index++) client.send({ event: 'emits', data: `name ${index}` });
    await client.ask('refuses');
    const errors = app.log.of('error').length;
    expect(errors).toBeGreaterThan(100);
    expect(errors).toBeLessThan(250);
    await client.ask('throws', 'what matters');
    expect(app.log.of('error').slice(errors).join()).toContain('"throws" threw: what matters');
  });

  const FORGED = '\n[Nest] 1 - ERROR \u001b[31mforged\u009b31m\u2028\u202e\u2066\r\u0007\ud800\u007f';
  const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

  it.each([
    ['the name of a room', 'joins', `$user:${FORGED}`, 'warn'],
    ['the name of an event', 'emits', FORGED, 'error'],
    ['the message of an error', 'throws', FORGED, 'error'],
    ['the message of an error that looks like a stack', 'throws', 'x\n    at forged (a.js:1:1)\ny', 'error'],
    ['a thrown value that is not an error', 'throws text', FORGED, 'error'],
    ['a thrown value without text', 'throws nothing', 1, 'error'],
    ['an endless message', 'throws', 'x'.repeat(500_000), 'error'],
  ])('%s is logged in one line without control characters', async (_, event, data, level) => {
    const app = await start();
    const client = await app.connect('/ws');
    for (let index = 0; index < 7; index++) client.send({ event, data });
    await client.ask('refuses');
    const lines = app.log.lines.filter((line) => line.level === level);
    expect(lines).toHaveLength(5);
    for (const { text, given } of lines) {
      expect(text).not.toMatch(UNPRINTABLE);
      expect(text.length).toBeLessThan(2_200);
      const [head, ...frames] = String(given[1] ?? '').split('\n');
      expect(head).not.toMatch(UNPRINTABLE);
      for (const frame of frames) expect(frame).toMatch(/^ {4}at (?!forged)/);
    }
    await app.close();
    const summary = app.log.of('warn').at(-1);
    expect(summary).toMatch(/: 2 more within the last minute$/);
    expect(summary).not.toMatch(UNPRINTABLE);
  });
});
