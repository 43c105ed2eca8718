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
import { sendMessage, startHybrid } from './fixture.js';

const gate = deferred();
let entered = 0;
let handled = 0;
class SlowInterceptor implements NestInterceptor {
  async intercept(_: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    entered++;
    await gate.promise;
    return next.handle();
  }
}
@Controller()
class TestController {
  @UseInterceptors(SlowInterceptor)
  @EventPattern('e')
  e(@Payload() _: unknown): void {
    handled++;
  }
}
it('runs an event handler behind an interceptor even after its client has disconnected', async () => {
  const app = await startHybrid({ controllers: [TestController] });
  const client = await app.connect('/');
  sendMessage(client, 'event', 'e', 1);
  await until('entered', () => entered === 1);
  client.ws.terminate();
  await until('the client has disconnected', () => app.adapter.create(0).engine.clientsCount === 0);
  gate.resolve();
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  expect(handled).toBe(1);
});
