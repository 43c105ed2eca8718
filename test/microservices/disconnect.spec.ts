import {
  Controller,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { deferred, until } from '../support/wait.js';
import { say, startHybrid } from './fixture.js';

const door = deferred();
let entered = 0;
let heard = 0;
class Slow implements NestInterceptor {
  async intercept(_: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    entered++;
    await door.promise;
    return next.handle();
  }
}
@Controller()
class C {
  @UseInterceptors(Slow)
  @EventPattern('e')
  e(@Payload() _: unknown): void {
    heard++;
  }
}
it('an event behind an interceptor is heard although its client has gone', async () => {
  const app = await startHybrid({ controllers: [C] });
  const client = await app.connect('/');
  say(client, 'event', 'e', 1);
  await until('entered', () => entered === 1);
  client.ws.terminate();
  await until('gone', () => app.adapter.create(0).engine.clientsCount === 0);
  door.resolve();
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  expect(heard).toBe(1);
});
