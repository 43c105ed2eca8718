import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { defer, finalize, NEVER, type Observable } from 'rxjs';
import { EnvelopeTransport } from '../../lib/microservices/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { NAMES, RESERVED } from '../support/names.js';
import { deferred, until } from '../support/wait.js';
import { answerOf, ask, receivedMessages, sendMessage, startHybrid } from './fixture.js';

let gate = deferred();
let called = 0;
let subscribed = 0;
let released = 0;

const endless = (): Observable<never> =>
  defer(() => {
    subscribed++;
    return NEVER.pipe(finalize(() => released++));
  });

@Controller()
class TestController {
  @MessagePattern('late')
  async late(): Promise<Observable<never>> {
    called++;
    await gate.promise;
    return endless();
  }
  @MessagePattern('endless')
  endless(): Observable<never> {
    return endless();
  }
  @MessagePattern('slow')
  async slow(): Promise<string> {
    called++;
    await gate.promise;
    return 'done';
  }
  @EventPattern('slow.event')
  async slowEvent(@Payload() _: unknown): Promise<void> {
    called++;
    await gate.promise;
  }
  @MessagePattern('fast')
  fast(): string {
    return 'fast';
  }
}
const META = { controllers: [TestController] };

async function startWithTransport(
  options: AppOptions = {},
): Promise<{ app: TestApp; transport: EnvelopeTransport }> {
  const app = await startApp(META, options);
  const transport = new EnvelopeTransport(app.adapter);
  app.nest.connectMicroservice({ strategy: transport }, { inheritAppConfig: true });
  await app.nest.startAllMicroservices();
  return { app, transport };
}

beforeEach(() => {
  called = subscribed = released = 0;
  gate = deferred();
});
afterEach(() => gate.resolve());

it('does not keep a source that a handler returns after the client has disconnected', async () => {
  const app = await startHybrid(META);
  const client = await app.connect('/');
  sendMessage(client, 'message', 'late', null, { id: 1 });
  await until('called', () => called === 1);
  client.ws.terminate();
  await until('the client has disconnected', () => app.adapter.create(0).engine.clientsCount === 0);
  gate.resolve();
  const other = await app.connect('/');
  await ask(other, 'fast');
  await ask(other, 'fast');
  expect(subscribed - released).toBe(0);
});

it('ends and answers a source that a handler returns after $cancel', async () => {
  const app = await startHybrid(META);
  const client = await app.connect('/');
  sendMessage(client, 'message', 'late', null, { id: 1 });
  await until('called', () => called === 1);
  client.send({ event: '$cancel', data: 1 });
  await client.settled();
  gate.resolve();
  expect((await answerOf(client, 1)).kind).toBe('response');
  expect(subscribed - released).toBe(0);
});

it('does not run a message handler for an event, because no client could end its source', async () => {
  const pattern = 'endless';
  const app = await startHybrid(META, { adapter: { limits: { maxInFlight: 2 } } });
  const client = await app.connect('/');
  for (let i = 0; i < 50; i++) sendMessage(client, 'event', pattern, null);
  await client.settled();
  const held = subscribed;
  client.ws.terminate();
  await until('the client has disconnected', () => app.adapter.create(0).engine.clientsCount === 0);
  const other = await app.connect('/');
  await ask(other, 'fast');
  expect({ held: held <= 2, left: subscribed - released }).toEqual({ held: true, left: 0 });
});

it('applies $cancel to a message that waits for its turn', async () => {
  const app = await startHybrid(META, { adapter: { limits: { maxInFlight: 1 } } });
  const client = await app.connect('/');
  sendMessage(client, 'message', 'slow', null, { id: 1 });
  sendMessage(client, 'message', 'endless', null, { id: 2 });
  client.send({ event: '$cancel', data: 2 });
  await client.settled();
  gate.resolve();
  await answerOf(client, 1);
  expect(await answerOf(client, 2)).toMatchObject({ kind: 'response' });
  expect(subscribed - released).toBe(0);
});

it('answers with an internal error if a start hook rejects', async () => {
  const { app, transport } = await startWithTransport();
  transport.setOnProcessingStartHook(async () => {
    throw new Error('hook');
  });
  const client = await app.connect('/');
  expect(await ask(client, 'fast')).toMatchObject({ kind: 'error' });
});

it('answers waiting messages after the transport was closed', async () => {
  const { app, transport } = await startWithTransport({ adapter: { limits: { maxInFlight: 1 } } });
  const client = await app.connect('/');
  sendMessage(client, 'message', 'slow', null, { id: 1 });
  sendMessage(client, 'message', 'fast', null, { id: 2 });
  sendMessage(client, 'message', 'fast', null, { id: 3 });
  await client.settled();
  transport.close();
  gate.resolve();
  await answerOf(client, 1);
  await client.until('2 answered', () => JSON.stringify(client.frames).match(/"(id|ack)":2/) !== null);
  await client.until('3 answered', () => JSON.stringify(client.frames).match(/"(id|ack)":3/) !== null);
});

it('ignores an event whose id is in flight, even at the limit of messages in flight', async () => {
  const app = await startHybrid(META, { adapter: { limits: { maxInFlight: 1 } } });
  const client = await app.connect('/');
  sendMessage(client, 'message', 'slow', null, { id: 1 });
  sendMessage(client, 'event', 'slow.event', null, { id: 1 });
  await until('read', () => called === 1);
  gate.resolve();
  await until(
    'answered or closed',
    () => receivedMessages(client).length === 1 || client.ws.readyState === 3,
  );
  expect(receivedMessages(client)).toMatchObject([{ payload: 'done' }]);
});

it('counts running events, even if a hook returns nothing', async () => {
  const { app, transport } = await startWithTransport({ adapter: { limits: { maxInFlight: 2 } } });
  transport.setOnProcessingStartHook((_t, _c, done) => {
    void done();
  });
  const client = await app.connect('/');
  for (let i = 0; i < 10; i++) sendMessage(client, 'event', 'slow.event', null);
  await client.settled();
  expect(called).toBe(2);
});

it('survives hostile patterns and metadata', async () => {
  const app = await startHybrid(META);
  const client = await app.connect('/');
  const deep = '['.repeat(500) + ']'.repeat(500);
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]));
  for (const p of [
    'null',
    'true',
    '[]',
    '{}',
    '1e999',
    deep,
    '__proto__',
    'constructor',
    { __proto__x: 1 },
    many,
    { a: null },
    1e308,
    '',
    ...NAMES,
  ])
    expect((await ask(client, p)).kind).toBe('error');
  client.send(
    '{"kind":"message","pattern":{"__proto__":{"toJSON":1},"toString":1},"metadata":{"__proto__":{"x":1}},"id":"p"}',
  );
  expect((await answerOf(client, 'p')).kind).toBe('error');
  for (let i = 0; i < 90; i++) sendMessage(client, 'event', `unknown-${i}`, 1);
  await client.settled();
  expect(app.log.lines.filter(({ text }) => text.includes('EventPattern')).length).toBeLessThanOrEqual(5);
  expect((await ask(client, 'fast')).payload).toBe('fast');
});

it('refuses a message with both id and ack, and events with reserved names', async () => {
  const app = await startHybrid(META);
  const client = await app.connect('/');
  for (const event of RESERVED)
    expect(await client.ask(event)).toMatchObject({ event: 'exception', data: { code: 'reserved_event' } });
  sendMessage(client, 'message', 'fast', null, { id: 'both', ack: 1 });
  expect(await client.answer('both')).toMatchObject({ event: 'exception', data: { code: 'bad_id' } });
  expect(receivedMessages(client)).toEqual([]);
});

it('does not affect the next transport when it is closed twice', async () => {
  const { app, transport } = await startWithTransport();
  const client = await app.connect('/');
  transport.close();
  new EnvelopeTransport(app.adapter).listen((error) => expect(error).toBeUndefined());
  transport.close();
  client.send({ kind: 'message', pattern: 'fast', id: 1 });
  await client.until(
    'an answer',
    () => client.frames.length > 0 && JSON.stringify(client.frames).includes('1'),
  );
  // The next transport has no handlers: it answers with its error, not with that of the path.
  expect(receivedMessages(client)).toMatchObject([{ kind: 'error' }]);
});
