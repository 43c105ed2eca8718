import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { describeOurs, startIoApp } from './fixture.js';

@WebSocketGateway()
class Gateway {
  @SubscribeMessage('echo')
  echo(value: unknown): unknown {
    return value;
  }
}

describeOurs('a polling client without a request at the server', () => {
  it('does not hold up the end of the application', async () => {
    const app = await startIoApp('ours', { providers: [Gateway] });
    const handshake = await fetch(`${app.url()}socket.io/?EIO=4&transport=polling`);
    expect(await handshake.text()).toMatch(/^0\{"sid":/);
    const start = performance.now();
    await app.close();
    // Engine.IO itself waits for half a minute
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});
