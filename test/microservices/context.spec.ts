import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { messageContext } from '../../lib/index.js';
import { answerOf, sendMessage, startHybrid } from './fixture.js';

@Controller()
class ContextController {
  @MessagePattern({ cmd: 'context' })
  async context(): Promise<object> {
    await new Promise(setImmediate);
    const { id, event, traceparent, client } = messageContext()!;
    return { id, event, traceparent, path: client.url };
  }
}

it('messageContext describes messages of the microservice protocol', async () => {
  const app = await startHybrid({ controllers: [ContextController] }, { adapter: { messageContext: true } });
  const client = await app.connect('/');
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  sendMessage(client, 'message', { cmd: 'context' }, null, { id: 5, metadata: { traceparent } });
  expect((await answerOf(client, 5)).payload).toEqual({
    id: 5,
    event: { cmd: 'context' },
    traceparent,
    path: '/',
  });
});
