import { connect } from 'node:net';
import { WebSocketGateway } from '@nestjs/websockets';
import { startApp } from '../support/app.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class ChatGateway {}

it('answers 503 to a client that connects before the close and requests the upgrade after it', async () => {
  const app = await startApp({ providers: [ChatGateway] });
  const tcp = connect(app.port, '127.0.0.1');
  await new Promise((resolve) => tcp.once('connect', resolve));
  const { port } = app;
  let answer = '';
  tcp.on('data', (text) => (answer += String(text))).on('error', () => undefined);
  const ended = new Promise((resolve) => tcp.once('close', resolve));
  const closed = app.nest.close();
  await until('the end of listening', () => !app.nest.getHttpServer().listening);
  tcp.write(
    `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await until('the answer', () => answer !== '');
  tcp.destroy();
  await Promise.all([ended, closed]);
  expect(answer.split('\r\n')[0]).toBe('HTTP/1.1 503 Service Unavailable');
});
