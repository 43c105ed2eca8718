import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import type { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { leastGrowth } from '../support/heap.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

/** Stores and requests whatever its clients send, as many applications do. */
@WebSocketGateway({ path: '/ws' })
class TrustingGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly failures: string[] = [];

  @SubscribeMessage('ask')
  ask(@ConnectedSocket() client: EnvelopeSocket): void {
    client
      .emitWithAck('question')
      .catch((error: Error) => this.failures.push(`${(error as { code?: string }).code} ${error.message}`));
  }
  @SubscribeMessage('track')
  track(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() [key, meta]: [string, unknown]): void {
    this.server.presence.track(client, key, meta);
  }
  @SubscribeMessage('emits')
  emits(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() text: string): void {
    // A part of the client's text.
    client.volatile.emit(text.slice(0, 20), 1);
    client.volatile.emit(text, 1);
  }
}

const limits = { messagesPerSecond: false, maxConnectionsPerAddress: false } as const;

describe('memory that clients can occupy', () => {
  it('is limited to 1,000 unanswered requests per client; further requests fail, and the log reports it', async () => {
    const app = await startApp({ providers: [TrustingGateway] }, { adapter: { limits } });
    const gateway = app.nest.get(TrustingGateway);
    const silent = await app.connect('/ws');
    for (let round = 0; round < 21; round++) {
      for (let i = 0; i < 50; i++) silent.send({ event: 'ask' });
      // More messages at once would have to wait.
      await silent.ask('$ping');
    }
    const questions = (): unknown[] => silent.frames.filter(({ event }) => event === 'question');
    expect(questions()).toHaveLength(1_000);
    await until('the failures', () => gateway.failures.length === 50);
    expect(gateway.failures[0]).toMatch(
      /^ERR_ENVELOPE_TOO_MANY_REQUESTS .*has not answered 1000 requests.*timeout/,
    );
    expect(app.log.of('warn').join()).toMatch(/has not answered 1000 requests/);
    // A client that answers receives requests again.
    const { id } = silent.frames.find(({ event }) => event === 'question')!;
    silent.send({ ack: id! });
    silent.send({ event: 'ask' });
    await silent.until('one more question', () => questions().length > 1_000);
    expect(gateway.failures).toHaveLength(50);
    silent.close();
    await until(
      'the failure of the other requests with the disconnect',
      () => gateway.failures.length === 1_050,
    );
  });

  it('is limited to 1,000 unanswered room requests per client; the oldest are dropped', async () => {
    const app = await startApp({ providers: [TrustingGateway] }, { adapter: { limits } });
    await app.connect('/ws');
    const [socket] = app.nest.get(TrustingGateway).server.sockets.values();
    // Like adapters, which can leave callbacks that have timed out.
    for (let id = 0; id < 1_200; id++) socket!.acks.set(id, () => undefined);
    expect(socket!.acks.size).toBe(1_000);
    expect([199, 200, 1_199].map((id) => socket!.acks.has(id))).toEqual([false, true, true]);
  });

  it('is limited to 20,000 bytes of presence data per client', async () => {
    const app = await startApp({ providers: [TrustingGateway] }, { adapter: { limits } });
    const { server } = app.nest.get(TrustingGateway);
    const client = await app.connect('/ws');
    const [socket] = server.sockets.values();
    await socket!.join('red');
    await client.ask('track', ['ada', { status: 'x'.repeat(15_000) }]);
    expect(await server.presence.list('red')).toHaveLength(1);
    const tooMuch = [
      'x'.repeat(20_000),
      Array.from({ length: 2_000 }, () => ({})),
      { a: '界'.repeat(10_000) },
    ];
    for (const meta of tooMuch)
      expect(await client.ask('track', ['ada', meta])).toMatchObject({ event: 'exception' });
    expect(app.log.of('error')[0]).toMatch(/presence\.track: meta takes more than 20000 bytes/);
    expect((await server.presence.list('red'))[0]).toMatchObject({
      key: 'ada',
      metas: [{ status: 'x'.repeat(15_000) }],
    });
  });

  it('does not include long event names that clients choose, nor the text around them', async () => {
    const app = await startApp({ providers: [TrustingGateway] }, { adapter: { limits } });
    const client = await app.connect('/ws');
    const growth = await leastGrowth(async (turn) => {
      for (let i = 0; i < 20; i++) await client.ask('emits', `name ${turn} ${i} ${'x'.repeat(500_000)}`);
      client.frames.length = 0;
    });
    // The client sent 10 MB in each turn.
    expect(growth).toBeLessThan(1_000_000);
  });

  it('does not include refused origins longer than an origin can be', async () => {
    const app = await startApp({ providers: [TrustingGateway] }, { adapter: { limits } });
    const growth = await leastGrowth(async (turn) => {
      for (let i = 0; i < 100; i++)
        await requestUpgrade(app.port, '/ws', {
          Origin: `https://${turn}-${i}.example/${'x'.repeat(10_000)}`,
        });
    });
    // The clients sent 1 MB in each turn.
    expect(growth).toBeLessThan(300_000);
  });
});
