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
import { say, startHybrid } from './fixture.js';

let door = deferred();
let running = 0;
class Plain implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}
@Controller()
class C {
  @UseInterceptors(Plain)
  @MessagePattern('slow')
  async slow(): Promise<string> {
    running++;
    await door.promise;
    return 'done';
  }
}
@WebSocketGateway({ path: '/' })
class G {
  @UseInterceptors(Plain)
  @SubscribeMessage('slow')
  async slow(): Promise<string> {
    running++;
    await door.promise;
    return 'done';
  }
}
beforeEach(() => {
  running = 0;
  door = deferred();
});
it.each(['request', 'event', 'pattern'])(
  'closing waits for a handler behind an interceptor: %s',
  async (kind) => {
    const app = await startHybrid({ controllers: [C], providers: [G] });
    const client = await app.connect('/');
    if (kind === 'pattern') say(client, 'message', 'slow', null, { id: 1 });
    else client.send({ event: 'slow', ...(kind === 'request' && { id: 1 }) });
    await until('it runs', () => running === 1);
    const closed = app.nest.close();
    await until('it closes', () => app.adapter.create(0)._isClosing);
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    door.resolve();
    await until(
      'answered or closed',
      () => client.ws.readyState === 3 || JSON.stringify(client.frames).includes('done'),
    );
    expect(JSON.stringify(client.frames)).toContain('done');
    await closed;
  },
);
