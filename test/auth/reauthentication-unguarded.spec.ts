import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

/** Checks tokens once in a middleware, as Socket.IO applications do. */
@WebSocketGateway({ path: '/ws' })
class OpenGateway {
  @SubscribeMessage('whoami')
  whoAmI(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return [client.handshake.auth, client.headers.authorization];
  }
}

describe('$auth without guards', () => {
  expectNoUnhandledErrors();

  const refused = { status: 'error', code: 'unknown_event', message: expect.stringContaining('$auth') };

  it('is an unknown event and changes nothing', async () => {
    const app = await startApp({ providers: [OpenGateway] });
    app.adapter.create(0, { path: '/ws' }).use((client, next) => {
      next(client.handshake.auth['token'] === 'ada' ? undefined : new Error('unknown token'));
    });
    const client = await app.connect('/ws', { protocols: ['envelope.v1', 'bearer', 'ada'] });
    expect((await client.next('$session')).data.features).not.toContain('auth');
    client.send({ event: '$auth', id: 1, meta: { token: 'root' } });
    expect(await client.answer(1)).toEqual({ event: 'exception', data: refused, ack: 1 });
    expect((await client.ask('whoami')).data).toEqual([{ token: 'ada' }, 'Bearer ada']);
  });

  it('does not extend a lifetime', async () => {
    const app = await startApp({ providers: [OpenGateway] }, { adapter: { limits: { maxLifetime: 150 } } });
    const client = await app.connect('/ws', { protocols: ['envelope.v1', 'bearer', 'ada'] });
    const timer = setInterval(() => client.send({ event: '$auth', meta: { token: 'x' } }), 20);
    try {
      expect(await client.ended()).toEqual({ code: 4401, reason: expect.any(String) });
    } finally {
      clearInterval(timer);
    }
  });

  it('never closes a connection', async () => {
    const app = await startApp({ providers: [OpenGateway] });
    const client = await app.connect('/ws', { protocols: ['envelope.v1', 'bearer', 'ada'] });
    for (let times = 0; times < 30; times++) client.send({ event: '$auth', meta: { token: 'x' } });
    await client.settled();
    expect(client.closed).toBeUndefined();
  });
});
