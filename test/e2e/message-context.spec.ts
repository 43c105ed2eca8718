import {
  Injectable,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Observable } from 'rxjs';
import { EnvelopeSocket, messageContext, type MessageContext } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';

const intercepted: (MessageContext | undefined)[] = [];

class Looking implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    intercepted.push(messageContext());
    return next.handle();
  }
}

class Named implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    client.user ??= client.handshake.query['name'];
    return true;
  }
}

/** Far from any handler, and after an await. */
@Injectable()
class AuditService {
  async tell(): Promise<object> {
    await new Promise(setImmediate);
    const { requestId, traceparent, user, headers, event, id, meta } =
      messageContext() ?? ({} as MessageContext);
    return { requestId, traceparent, user, agent: headers?.['user-agent'], event, id, meta };
  }
}

@WebSocketGateway({ path: '/ws' })
class ContextGateway {
  constructor(private readonly audit: AuditService) {}

  @UseGuards(Named)
  @UseInterceptors(Looking)
  @SubscribeMessage('who')
  who(): Promise<object> {
    return this.audit.tell();
  }
  @SubscribeMessage('is')
  is(@MessageBody() _: unknown, @ConnectedSocket() client: EnvelopeSocket): boolean {
    return messageContext()?.client === client;
  }
}

const serve = (messageContext: boolean): Promise<TestApp> =>
  startApp({ providers: [ContextGateway, AuditService] }, { adapter: { messageContext } });

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const OTHER_TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('messageContext', () => {
  it('tells a service whom and what it works for, after an await as well', async () => {
    const app = await serve(true);
    const headers = { 'x-request-id': 'r-1', 'user-agent': 'test', traceparent: TRACE };
    const client = await app.connect('/ws?name=ada', { headers });
    const known = { requestId: 'r-1', user: 'ada', agent: 'test', event: 'who' };
    expect((await client.ask('who', 1, 7)).data).toEqual({ ...known, traceparent: TRACE, id: 7, meta: {} });
    client.send({ event: 'who', meta: { traceparent: OTHER_TRACE, key: 'k' } });
    expect((await client.next('who')).data).toEqual({
      ...{ ...known, traceparent: OTHER_TRACE, meta: { traceparent: OTHER_TRACE, key: 'k' } },
    });
    expect(intercepted.every((context) => context?.client instanceof EnvelopeSocket)).toBe(true);
    expect((await client.ask('is')).data).toBe(true);
  });

  it('keeps messages apart that are handled side by side', async () => {
    const app = await serve(true);
    const names = ['ada', 'bob', 'eve'];
    const clients = await Promise.all(names.map((name) => app.connect(`/ws?name=${name}`)));
    const asked = clients.flatMap((client) => [1, 2, 3].map((id) => client.ask('who', undefined, id)));
    const told = (await Promise.all(asked)).map(({ data }) => [data.user, data.id]);
    expect(told).toEqual(names.flatMap((name) => [1, 2, 3].map((id) => [name, id])));
  });

  it('is not there outside of a message, nor where it is not asked for', async () => {
    expect(messageContext()).toBeUndefined();
    const app = await serve(false);
    const client = await app.connect('/ws');
    expect((await client.ask('is')).data).toBe(false);
  });
});
