import {
  Controller,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Observable } from 'rxjs';
import { deferred, until } from '../support/wait.js';
import { sendMessage, startHybrid } from './fixture.js';

let gate = deferred();
let running = 0;
class PassThroughInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}
@Controller()
class TestController {
  @UseInterceptors(PassThroughInterceptor)
  @MessagePattern('slow')
  async slow(): Promise<string> {
    running++;
    await gate.promise;
    return 'done';
  }
}
@WebSocketGateway({ path: '/' })
class TestGateway {
  @UseInterceptors(PassThroughInterceptor)
  @SubscribeMessage('slow')
  async slow(): Promise<string> {
    running++;
    await gate.promise;
    return 'done';
  }
}
beforeEach(() => {
  running = 0;
  gate = deferred();
});
it.each(['request', 'event', 'pattern'])(
  'waits for a handler behind an interceptor when the application closes: %s',
  async (kind) => {
    const app = await startHybrid({ controllers: [TestController], providers: [TestGateway] });
    const client = await app.connect('/');
    if (kind === 'pattern') sendMessage(client, 'message', 'slow', null, { id: 1 });
    else client.send({ event: 'slow', ...(kind === 'request' && { id: 1 }) });
    await until('it runs', () => running === 1);
    const closed = app.nest.close();
    await until('it closes', () => app.adapter.create(0)._isClosing);
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    gate.resolve();
    await until(
      'answered or closed',
      () => client.ws.readyState === 3 || JSON.stringify(client.frames).includes('done'),
    );
    expect(JSON.stringify(client.frames)).toContain('done');
    await closed;
  },
);
