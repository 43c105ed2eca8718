import { BadRequestException, Injectable, UsePipes, ValidationPipe } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { interval, of, Subject, take, type Observable } from 'rxjs';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { until } from '../support/wait.js';
import { SPAN, TRACE, traceparent, useTelemetry } from './fixture.js';

/** A service below the handlers, without any knowledge of WebSocket. */
@Injectable()
class Ledger {
  async write(name: string): Promise<string> {
    await new Promise(setImmediate);
    return trace.getTracer('app').startActiveSpan(name, async (span) => {
      await new Promise(setImmediate);
      span.end();
      return span.spanContext().traceId;
    });
  }
}

class Odd extends Error {}

const shared = new Subject<unknown>();

@WebSocketGateway({ path: '/ws' })
class TracedGateway {
  constructor(private readonly ledger: Ledger) {}

  handleConnection(client: EnvelopeSocket): void {
    client.on('by listener', () => undefined);
    if (client.handshake.query['slow'] === undefined) return;
    client.use(([event], next) => {
      if (event !== 'refused') return void setImmediate(next);
      next(new Error('not here'));
    });
  }

  @SubscribeMessage('listen')
  listen(): Observable<unknown> {
    return shared;
  }
  @SubscribeMessage('speak')
  speak(): void {
    shared.next(1n);
  }

  @SubscribeMessage('say')
  async say(@MessageBody() name: string): Promise<string> {
    return this.ledger.write(name);
  }
  @SubscribeMessage('fails')
  fails(): never {
    throw new Odd('on the server');
  }
  @UsePipes(new ValidationPipe())
  @SubscribeMessage('refuses')
  refuses(@MessageBody() kind: string): void {
    if (kind === 'ws') throw new WsException('no');
    throw new BadRequestException('no');
  }
  @SubscribeMessage('breaks')
  async *breaks(): AsyncIterable<number> {
    yield 1;
    throw new Odd('on the server');
  }
  @SubscribeMessage('unwritable')
  unwritable(): unknown {
    return 1n;
  }
  @SubscribeMessage('three')
  three(): Observable<number> {
    return of(1, 2, 3);
  }
  @SubscribeMessage('ticks')
  ticks(): Observable<number> {
    return interval(1).pipe(take(1e9));
  }
  @SubscribeMessage('baggage')
  baggage(): object {
    const baggage = propagation.getActiveBaggage()?.getAllEntries() ?? [];
    return { trace: trace.getActiveSpan()?.spanContext().traceId, baggage };
  }
}

const serve = (adapter?: EnvelopeOptions): Promise<TestApp> =>
  startApp({ providers: [TracedGateway, Ledger] }, adapter && { adapter });

const isOurs = ({ instrumentationScope }: ReadableSpan): boolean =>
  instrumentationScope.name === 'nestjs-envelope';

describe('a span for each event', () => {
  const telemetry = useTelemetry();

  it('has the route, the event, and the attributes of the message', async () => {
    const app = await serve();
    const client = await app.connect('/ws', { headers: { 'x-request-id': 'r-1' } });
    const { data } = await client.ask('say', 'work', 7);
    const [inner, span] = await telemetry().ended(2);
    expect(data).toBe(span!.spanContext().traceId);
    expect(span).toMatchObject({ name: 'process /ws say', kind: SpanKind.SERVER, links: [] });
    expect(span!.parentSpanContext).toBeUndefined();
    expect(span!.status).toEqual({ code: SpanStatusCode.UNSET });
    expect(span!.attributes).toEqual({
      'messaging.system': 'envelope',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': '/ws',
      'messaging.message.id': '7',
      'envelope.connection.id': expect.any(String),
      'envelope.request.id': 'r-1',
      'envelope.event': 'say',
      'envelope.outcome': 'ok',
    });
    // the span of a service, after an await, is its child
    expect(inner).toMatchObject({ name: 'work', parentSpanContext: { spanId: span!.spanContext().spanId } });
  });

  it('is a consumer span for an event without an id', async () => {
    const client = await (await serve()).connect('/ws');
    client.send({ event: 'say', data: 'work' });
    const [span] = await telemetry().ended(1, isOurs);
    expect(span).toMatchObject({ name: 'process /ws say', kind: SpanKind.CONSUMER });
    expect(span!.attributes).not.toHaveProperty('messaging.message.id');
  });

  it('hides unknown event names', async () => {
    const client = await (await serve()).connect('/ws');
    await client.ask('made up');
    const [unknown] = await telemetry().ended(1, isOurs);
    expect(unknown).toMatchObject({ name: 'process /ws', status: { code: SpanStatusCode.UNSET } });
    expect(unknown!.attributes).toMatchObject({
      'envelope.outcome': 'refused',
      'envelope.code': 'unknown_event',
    });
    expect(JSON.stringify(unknown!.attributes)).not.toContain('made up');
  });

  it('shows the event names of listeners', async () => {
    const client = await (await serve()).connect('/ws');
    client.send({ event: 'by listener' });
    const [span] = await telemetry().ended(1, isOurs);
    expect(span).toMatchObject({ name: 'process /ws by listener', attributes: { 'envelope.outcome': 'ok' } });
  });

  it('records the exception of a server error, with and without an id', async () => {
    const client = await (await serve()).connect('/ws');
    await client.ask('fails');
    client.send({ event: 'fails' });
    await client.ask('unwritable');
    client.send({ event: 'unwritable' });
    client.send({ event: 'breaks' });
    client.send({ event: 'breaks', id: 'b', stream: true });
    const spans = await telemetry().ended(6, isOurs);
    for (const span of spans) {
      expect(span.status.code).toBe(SpanStatusCode.ERROR);
      expect(span.attributes['envelope.outcome']).toBe('error');
      expect(span.events).toHaveLength(1);
    }
    const [failed] = spans;
    expect(failed!.attributes['error.type']).toBe('Odd');
    expect(failed!.status.message).toBe('on the server');
    expect(failed!.events[0]).toMatchObject({
      name: 'exception',
      attributes: { 'exception.message': 'on the server', 'exception.stacktrace': expect.any(String) },
    });
  });

  it('is not an error for a refusal', async () => {
    const client = await (await serve()).connect('/ws');
    await client.ask('refuses', 'ws');
    client.send({ event: 'refuses', data: 'http' });
    const spans = await telemetry().ended(2, isOurs);
    for (const span of spans) {
      expect(span).toMatchObject({ status: { code: SpanStatusCode.UNSET }, events: [] });
      expect(span.attributes).toMatchObject({ 'envelope.outcome': 'refused', 'envelope.event': 'refuses' });
      expect(span.attributes).not.toHaveProperty(['error.type']);
    }
    expect(spans.map(({ attributes }) => attributes['envelope.exception'])).toEqual([
      'WsException',
      'BadRequestException',
    ]);
  });

  it('ends once with slow middlewares, and when one refuses', async () => {
    const client = await (await serve()).connect('/ws?slow=1');
    await client.ask('say', 'work');
    client.send({ event: 'refused' });
    await client.next('exception');
    const spans = await telemetry().ended(2, isOurs);
    expect(spans).toHaveLength(2);
    expect(spans[0]).toMatchObject({ name: 'process /ws say', attributes: { 'envelope.outcome': 'ok' } });
    expect(spans[1]).toMatchObject({ name: 'process /ws', attributes: { 'envelope.outcome': 'refused' } });
  });

  it('ends with its stream', async () => {
    const client = await (await serve()).connect('/ws');
    client.send({ event: 'three', id: 1, stream: true });
    await client.until('the end', () => client.frames.some(({ ack, more }) => ack === 1 && more !== true));
    const spans = await telemetry().ended(1, isOurs);
    expect(spans.map(({ name }) => name)).toEqual(['process /ws three']);
    expect(spans[0]!.attributes['envelope.outcome']).toBe('ok');
  });

  it('is abandoned when the client disconnects during its stream', async () => {
    const client = await (await serve()).connect('/ws');
    client.send({ event: 'ticks', id: 1, stream: true });
    await client.until('a value', () => client.frames.length > 2);
    expect(telemetry().finished).toEqual([]);
    client.ws.close();
    const [span] = await telemetry().ended(1, isOurs);
    expect(span!.attributes['envelope.outcome']).toBe('abandoned');
    expect(span!.status.code).toBe(SpanStatusCode.UNSET);
  });

  it('records the error of its stream, not of the handler that caused it', async () => {
    const client = await (await serve()).connect('/ws');
    client.send({ event: 'listen', id: 'l', stream: true });
    await until('a listener', () => shared.observed);
    await client.ask('speak');
    expect((await client.answer('l')).event).toBe('exception');
    const spans = await telemetry().ended(2, isOurs);
    const outcomes = spans.map(({ name, attributes }) => [name, attributes['envelope.outcome']]);
    expect(Object.fromEntries(outcomes)).toEqual({
      'process /ws listen': 'error',
      'process /ws speak': 'ok',
    });
  });

  it('has the right children when messages are handled concurrently', async () => {
    const app = await serve();
    const clients = await Promise.all(Array.from({ length: 10 }, () => app.connect('/ws')));
    const requests = clients.flatMap((client, c) =>
      Array.from(
        { length: 10 },
        async (_, m) => [`${c}.${m}`, await client.ask('say', `${c}.${m}`)] as const,
      ),
    );
    const responses = new Map<string, unknown>(
      (await Promise.all(requests)).map(([name, { data }]) => [name, data]),
    );
    const inner = await telemetry().ended(100, (span) => !isOurs(span));
    const outer = new Map(
      (await telemetry().ended(100, isOurs)).map((span) => [span.spanContext().spanId, span]),
    );
    expect(new Set(responses.values()).size).toBe(100);
    for (const span of inner) {
      expect(span.spanContext().traceId).toBe(responses.get(span.name));
      expect(outer.get(span.parentSpanContext!.spanId)!.spanContext().traceId).toBe(responses.get(span.name));
    }
    expect(new Set(inner.map(({ parentSpanContext }) => parentSpanContext!.spanId)).size).toBe(100);
  });
});

describe('the trace of a message', () => {
  const telemetry = useTelemetry();

  it('is the one in its meta', async () => {
    const ofUpgrade = { traceparent: traceparent('1'.repeat(32)) };
    const client = await (await serve()).connect('/ws', { headers: ofUpgrade });
    client.send({ event: 'say', data: 'work', meta: { traceparent: traceparent(), tracestate: 'a=1' } });
    const spans = await telemetry().ended(2);
    for (const span of spans) expect(span.spanContext().traceId).toBe(TRACE);
    expect(spans[1]!.parentSpanContext).toMatchObject({ spanId: SPAN, isRemote: true });
    expect(spans[1]!.spanContext().traceState?.serialize()).toBe('a=1');
    expect(spans[1]!.links).toEqual([]);
  });

  it('is not recorded when its caller did not sample it', async () => {
    const client = await (await serve()).connect('/ws');
    const { data } = await client.ask('say', 'work', 1);
    expect(data).not.toBe(TRACE);
    const meta = { traceparent: traceparent(TRACE, SPAN, '00') };
    client.send({ event: 'say', data: 'work', id: 2, meta });
    expect((await client.answer(2)).data).toBe(TRACE);
    await telemetry().ended(2);
    expect(telemetry().finished.map((span) => span.spanContext().traceId)).toEqual([data, data]);
  });

  it("is a new one, linked to the upgrade's", async () => {
    const client = await (await serve()).connect('/ws', { headers: { traceparent: traceparent() } });
    client.send({ event: 'say', data: 'work' });
    const [span] = await telemetry().ended(1, isOurs);
    expect(span!.parentSpanContext).toBeUndefined();
    expect(span!.links).toMatchObject([{ context: { traceId: TRACE, spanId: SPAN } }]);
  });

  it('is a new one for any invalid traceparent', async () => {
    const hostile: unknown[] = [
      ...[
        1,
        null,
        true,
        {},
        [],
        ['00'],
        [traceparent()],
        '',
        'x',
        '\u0000',
        '00-00-00-00',
        '0'.repeat(400_000),
      ],
      ...[traceparent('0'.repeat(32)), traceparent(TRACE, '0'.repeat(16)), `ff-${TRACE}-${SPAN}-01`],
      // a future version may be longer, but not unlimited
      `01-${TRACE}-${SPAN}-01-${'x'.repeat(500)}`,
      ...[traceparent() + '-more', traceparent().toUpperCase(), { toString: 'x', length: 55 }],
    ];
    const client = await (await serve()).connect('/ws');
    for (const [id, value] of hostile.entries()) {
      client.send({ event: 'say', data: 'w', id, meta: { traceparent: value, tracestate: value } });
      expect((await client.answer(id)).data).not.toBe(TRACE);
    }
    client.send({ event: 'say', data: 'w', id: 's', meta: { traceparent: traceparent(), tracestate: [1] } });
    expect((await client.answer('s')).data).toBe(TRACE);
    for (const span of await telemetry().ended(hostile.length, isOurs)) expect(span.links).toEqual([]);
  });

  it('ignores baggage', async () => {
    const client = await (await serve()).connect('/ws');
    client.send({ event: 'baggage', id: 1, meta: { traceparent: traceparent(), baggage: 'admin=1' } });
    expect((await client.answer(1)).data).toEqual({ trace: TRACE, baggage: [] });
  });
});
