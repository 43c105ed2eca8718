import { Injectable, UseInterceptors } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { ClsInterceptor, ClsModule, ClsService } from 'nestjs-cls';
import { messageContext } from '../../lib/index.js';
import { startApp } from '../support/app.js';

@Injectable()
class AuditService {
  constructor(private readonly cls: ClsService) {}
  async read(): Promise<unknown[]> {
    await new Promise(setImmediate);
    return [this.cls.getId(), this.cls.get('traceparent')];
  }
}

const setup = (cls: ClsService): void => cls.set('traceparent', messageContext()?.traceparent);
const idGenerator = (): string => messageContext()?.requestId ?? 'none';

@UseInterceptors(new ClsInterceptor({ setup, generateId: true, idGenerator }))
@WebSocketGateway({ path: '/ws' })
class ClsGateway {
  constructor(private readonly audit: AuditService) {}
  @SubscribeMessage('values')
  values(): Promise<unknown[]> {
    return this.audit.read();
  }
}

it('fills nestjs-cls from messageContext for each message', async () => {
  const app = await startApp(
    { imports: [ClsModule.forRoot({ global: true })], providers: [ClsGateway, AuditService] },
    { adapter: { messageContext: true } },
  );
  const client = await app.connect('/ws', { headers: { 'x-request-id': 'r-7' } });
  for (const id of [1, 2]) client.send({ event: 'values', id, meta: { traceparent: `00-${id}` } });
  expect((await client.answer(1)).data).toEqual(['r-7', '00-1']);
  expect((await client.answer(2)).data).toEqual(['r-7', '00-2']);
});
