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

class RecordingInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    intercepted.push(messageContext());
    return next.handle();
  }
}

class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    client.user ??= client.handshake.query['name'];
    return true;
  }
}

/** Reads the context in a service, after an await. */
@Injectable()
class AuditService {
  async read(): Promise<object> {
    await new Promise(setImmediate);
    const { requestId, traceparent, user, headers, event, id, meta } =
      messageContext() ?? ({} as MessageContext);
    return { requestId, traceparent, user, agent: headers?.['user-agent'], event, id, meta };
  }
}

@WebSocketGateway({ path: '/ws' })
class ContextGateway {
  constructor(private readonly audit: AuditService) {}

  @UseGuards(UserGuard)
  @UseInterceptors(RecordingInterceptor)
  @SubscribeMessage('context')
  context(): Promise<object> {
    return this.audit.read();
  }
  @SubscribeMessage('is')
  is(@MessageBody() _: unknown, @ConnectedSocket() client: EnvelopeSocket): boolean {
    return messageContext()?.client === client;
  }
}

const start = (messageContext: boolean): Promise<TestApp> =>
  startApp({ providers: [ContextGateway, AuditService] }, { adapter: { messageContext } });

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const OTHER_TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('messageContext', () => {
  it('gives a service the request, the user and the message, even after an await', async () => {
    const app = await start(true);
    const headers = { 'x-request-id': 'r-1', 'user-agent': 'test', traceparent: TRACE };
    const client = await app.connect('/ws?name=ada', { headers });
    const known = { requestId: 'r-1', user: 'ada', agent: 'test', event: 'context' };
    expect((await client.ask('context', 1, 7)).data).toEqual({
      ...known,
      traceparent: TRACE,
      id: 7,
      meta: {},
    });
    client.send({ event: 'context', meta: { traceparent: OTHER_TRACE, key: 'k' } });
    expect((await client.next('context')).data).toEqual({
      ...{ ...known, traceparent: OTHER_TRACE, meta: { traceparent: OTHER_TRACE, key: 'k' } },
    });
    expect(intercepted.every((context) => context?.client instanceof EnvelopeSocket)).toBe(true);
    expect((await client.ask('is')).data).toBe(true);
  });

  it('separates messages that are handled concurrently', async () => {
    const app = await start(true);
    const names = ['ada', 'bob', 'eve'];
    const clients = await Promise.all(names.map((name) => app.connect(`/ws?name=${name}`)));
    const asked = clients.flatMap((client) => [1, 2, 3].map((id) => client.ask('context', undefined, id)));
    const answers = (await Promise.all(asked)).map(({ data }) => [data.user, data.id]);
    expect(answers).toEqual(names.flatMap((name) => [1, 2, 3].map((id) => [name, id])));
  });

  it('returns undefined outside a message and when the option is off', async () => {
    expect(messageContext()).toBeUndefined();
    const app = await start(false);
    const client = await app.connect('/ws');
    expect((await client.ask('is')).data).toBe(false);
  });
});
