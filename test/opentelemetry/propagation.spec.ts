import { Controller, Inject, Injectable } from '@nestjs/common';
import { ClientsModule, EventPattern, MessagePattern, type ClientProxy } from '@nestjs/microservices';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api';
import { Subject, type Observable } from 'rxjs';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { EnvelopeClient } from '../../lib/microservices/index.js';
import { traceMetadata } from '../../lib/opentelemetry/index.js';
import { startHybrid } from '../microservices/fixture.js';
import { startApp, type TestApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import type { Received } from '../support/client.js';
import { SPAN, TRACE, traceparent, useTelemetry } from './fixture.js';

@WebSocketGateway({ path: '/ws' })
class EmittingGateway {
  @WebSocketServer() server!: EnvelopeServer;

  @SubscribeMessage('notify')
  async notify(@ConnectedSocket() client: EnvelopeSocket): Promise<string> {
    await new Promise(setImmediate);
    client.emit('news', 1);
    this.server.emit('broadcast', 2);
    return trace.getActiveSpan()!.spanContext().spanId;
  }
}

const metaOf = (frame: Received): unknown => Reflect.get(frame, 'meta');

describe('an emitted event', () => {
  const telemetry = useTelemetry();
  const start = (adapter: EnvelopeOptions = {}): Promise<TestApp> =>
    startApp({ providers: [EmittingGateway] }, { adapter });

  it('carries the current span', async () => {
    const app = await start();
    const [client, other] = [await app.connect('/ws'), await app.connect('/ws')];
    client.send({ event: 'notify', id: 1, meta: { traceparent: traceparent(), tracestate: 'a=1' } });
    const span = (await client.answer(1)).data as string;
    const expected = { traceparent: traceparent(TRACE, span), tracestate: 'a=1' };
    expect(span).not.toBe(SPAN);
    expect(await client.next('news')).toEqual({ event: 'news', data: 1, meta: expected });
    expect(await other.next('broadcast')).toEqual({ event: 'broadcast', data: 2, meta: expected });
  });

  it('carries the span to other nodes, too', async () => {
    const bus = new Bus();
    const adapter = { adapter: bus.adapter };
    const [here, there] = [await start(adapter), await start(adapter)];
    const [client, other] = [await here.connect('/ws'), await there.connect('/ws')];
    const { data } = await client.ask('notify');
    const meta = metaOf(await other.next('broadcast')) as { traceparent: string };
    expect(meta.traceparent.split('-')[2]).toBe(data);
  });

  it('carries no span outside of one, and no baggage', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    const { server } = app.nest.get(EmittingGateway);
    server.emit('outside');
    expect(metaOf(await client.next('outside'))).toBeUndefined();
    const baggage = propagation.createBaggage({ secret: { value: 'x' } });
    context.with(propagation.setBaggage(context.active(), baggage), () =>
      telemetry().tracer.startActiveSpan('inside', (span) => {
        server.emit('inside');
        span.end();
      }),
    );
    expect(metaOf(await client.next('inside'))).toEqual({
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    });
    expect(traceMetadata()).toEqual({});
  });
});

const events = new Subject<string | undefined>();

@Controller()
class NumbersController {
  @MessagePattern('double')
  async double(value: number): Promise<object> {
    await new Promise(setImmediate);
    return { value: value * 2, trace: trace.getActiveSpan()?.spanContext().traceId };
  }
  @MessagePattern('fails')
  fails(_: unknown): never {
    throw new Error('on the server');
  }
  @EventPattern('noted')
  noted(_: unknown): void {
    events.next(trace.getActiveSpan()?.spanContext().traceId);
  }
}

@Injectable()
@WebSocketGateway({ path: '/ws' })
class AskingGateway {
  constructor(@Inject('NUMBERS') private readonly numbers: ClientProxy) {}

  @SubscribeMessage('ask')
  ask(@MessageBody() value: number): Observable<unknown> {
    return this.numbers.send('double', value);
  }
  @SubscribeMessage('note')
  note(): Observable<unknown> {
    return this.numbers.emit('noted', 1);
  }
  @SubscribeMessage('misses')
  misses(@MessageBody() pattern: string): Observable<unknown> {
    return this.numbers.send(pattern, 1);
  }
}

describe('a request from one service to another', () => {
  const telemetry = useTelemetry();

  async function start(): Promise<TestApp> {
    const b = await startHybrid({ controllers: [NumbersController] }, { transport: { path: '/rpc' } });
    const options = { url: b.url('/rpc'), metadata: traceMetadata };
    const clients = ClientsModule.register([{ name: 'NUMBERS', customClass: EnvelopeClient, options }]);
    return startApp({ imports: [clients], providers: [AskingGateway] });
  }

  it('belongs to one trace, from the gateway to the handler of the other service', async () => {
    const client = await (await start()).connect('/ws');
    // the second request uses an open connection
    for (const value of [1, 2]) {
      const { data } = await client.ask('ask', value);
      const spans = await telemetry().ended(value * 2);
      const [callee, caller] = ['process /rpc double', 'process /ws ask'].map((name) =>
        spans.filter((span) => span.name === name).at(-1),
      );
      const { traceId, spanId } = caller!.spanContext();
      expect(data).toEqual({ value: value * 2, trace: traceId });
      expect(callee!.spanContext().traceId).toBe(traceId);
      expect(callee!.parentSpanContext).toMatchObject({ spanId, isRemote: true });
    }
  });

  it('includes events in the trace, too', async () => {
    const client = await (await start()).connect('/ws');
    const noted = new Promise((resolve) => events.subscribe(resolve));
    client.send({ event: 'note', meta: { traceparent: traceparent() } });
    expect(await noted).toBe(TRACE);
    const spans = await telemetry().ended(2);
    expect(spans.map(({ name }) => name)).toContain('process /rpc noted');
  });

  it('records failures, and hides patterns without a handler', async () => {
    const client = await (await start()).connect('/ws');
    await client.ask('misses', 'fails');
    await client.ask('misses', 'made up');
    const spans = await telemetry().ended(2, ({ name }) => name.startsWith('process /rpc'));
    expect(spans[0]).toMatchObject({ name: 'process /rpc fails', status: { code: SpanStatusCode.ERROR } });
    expect(spans[1]).toMatchObject({ name: 'process /rpc', status: { code: SpanStatusCode.UNSET } });
    expect(spans[1]!.attributes['envelope.code']).toBe('unknown_event');
  });
});
