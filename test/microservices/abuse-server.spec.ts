import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { defer, finalize, NEVER, type Observable } from 'rxjs';
import { EnvelopeTransport } from '../../lib/microservices/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { NAMES, RESERVED } from '../support/names.js';
import { deferred, until } from '../support/wait.js';
import { answerOf, ask, said, say, startHybrid } from './fixture.js';

let door = deferred();
let called = 0;
let subscribed = 0;
let released = 0;

const endless = (): Observable<never> =>
  defer(() => {
    subscribed++;
    return NEVER.pipe(finalize(() => released++));
  });

@Controller()
class C {
  @MessagePattern('late')
  async late(): Promise<Observable<never>> {
    called++;
    await door.promise;
    return endless();
  }
  @MessagePattern('endless')
  endless(): Observable<never> {
    return endless();
  }
  @MessagePattern('slow')
  async slow(): Promise<string> {
    called++;
    await door.promise;
    return 'done';
  }
  @EventPattern('slow.event')
  async slowEvent(@Payload() _: unknown): Promise<void> {
    called++;
    await door.promise;
  }
  @MessagePattern('fast')
  fast(): string {
    return 'fast';
  }
}
const META = { controllers: [C] };

async function own(options: AppOptions = {}): Promise<{ app: TestApp; transport: EnvelopeTransport }> {
  const app = await startApp(META, options);
  const transport = new EnvelopeTransport(app.adapter);
  app.nest.connectMicroservice({ strategy: transport }, { inheritAppConfig: true });
  await app.nest.startAllMicroservices();
  return { app, transport };
}

beforeEach(() => {
  called = subscribed = released = 0;
  door = deferred();
});
afterEach(() => door.resolve());

it('a source that comes after the client has gone is not kept', async () => {
  const app = await startHybrid(META);
  const client = await app.connect('/');
  say(client, 'message', 'late', null, { id: 1 });
  await until('called', () => called === 1);
  client.ws.terminate();
  await until('gone', () => app.adapter.create(0).engine.clientsCount === 0);
  door.resolve();
  const other = await app.connect('/');
  await ask(other, 'fast');
  await ask(other, 'fast');
  expect(subscribed - released).toBe(0);
});

it('a source that comes after $cancel is ended and answered', async () => {
  const app = await startHybrid(META);
  const client = await app.connect('/');
  say(client, 'message', 'late', null, { id: 1 });
  await until('called', () => called === 1);
  client.send({ event: '$cancel', data: 1 });
  await client.settled();
  door.resolve();
  expect((await answerOf(client, 1)).kind).toBe('response');
  expect(subscribed - released).toBe(0);
});

it('an event runs no message handler, whose source nobody could end', async () => {
  const pattern = 'endless';
  const app = await startHybrid(META, { adapter: { limits: { maxInFlight: 2 } } });
  const client = await app.connect('/');
  for (let i = 0; i < 50; i++) say(client, 'event', pattern, null);
  await client.settled();
  const held = subscribed;
  client.ws.terminate();
  await until('gone', () => app.adapter.create(0).engine.clientsCount === 0);
  const other = await app.connect('/');
  await ask(other, 'fast');
  expect({ held: held <= 2, left: subscribed - released }).toEqual({ held: true, left: 0 });
});

it('$cancel reaches a message that waits for its turn', async () => {
  const app = await startHybrid(META, { adapter: { limits: { maxInFlight: 1 } } });
  const client = await app.connect('/');
  say(client, 'message', 'slow', null, { id: 1 });
  say(client, 'message', 'endless', null, { id: 2 });
  client.send({ event: '$cancel', data: 2 });
  await client.settled();
  door.resolve();
  await answerOf(client, 1);
  expect(await answerOf(client, 2)).toMatchObject({ kind: 'response' });
  expect(subscribed - released).toBe(0);
});

it('a start hook that rejects is an internal error', async () => {
  const { app, transport } = await own();
  transport.setOnProcessingStartHook(async () => {
    throw new Error('hook');
  });
  const client = await app.connect('/');
  expect(await ask(client, 'fast')).toMatchObject({ kind: 'error' });
});

it('transport closed while messages wait', async () => {
  const { app, transport } = await own({ adapter: { limits: { maxInFlight: 1 } } });
  const client = await app.connect('/');
  say(client, 'message', 'slow', null, { id: 1 });
  say(client, 'message', 'fast', null, { id: 2 });
  say(client, 'message', 'fast', null, { id: 3 });
  await client.settled();
  transport.close();
  door.resolve();
  await answerOf(client, 1);
  await client.until('2 answered', () => JSON.stringify(client.frames).match(/"(id|ack)":2/) !== null);
  await client.until('3 answered', () => JSON.stringify(client.frames).match(/"(id|ack)":3/) !== null);
});

it('an event whose id is in flight is as harmless when the client is full as when it is not', async () => {
  const app = await startHybrid(META, { adapter: { limits: { maxInFlight: 1 } } });
  const client = await app.connect('/');
  say(client, 'message', 'slow', null, { id: 1 });
  say(client, 'event', 'slow.event', null, { id: 1 });
  await until('read', () => called === 1);
  door.resolve();
  await until('answered or closed', () => said(client).length === 1 || client.ws.readyState === 3);
  expect(said(client)).toMatchObject([{ payload: 'done' }]);
});

it('events count while they run, also behind a hook that returns nothing', async () => {
  const { app, transport } = await own({ adapter: { limits: { maxInFlight: 2 } } });
  transport.setOnProcessingStartHook((_t, _c, done) => {
    void done();
  });
  const client = await app.connect('/');
  for (let i = 0; i < 10; i++) say(client, 'event', 'slow.event', null);
  await client.settled();
  expect(called).toBe(2);
});

it('hostile patterns and metadata end nothing', async () => {
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
  for (let i = 0; i < 90; i++) say(client, 'event', `unknown-${i}`, 1);
  await client.settled();
  expect(app.log.lines.filter(({ text }) => text.includes('EventPattern')).length).toBeLessThanOrEqual(5);
  expect((await ask(client, 'fast')).payload).toBe('fast');
});

it('a message with both an id and an ack is refused, and so are reserved names of events', async () => {
  const app = await startHybrid(META);
  const client = await app.connect('/');
  for (const event of RESERVED)
    expect(await client.ask(event)).toMatchObject({ event: 'exception', data: { code: 'reserved_event' } });
  say(client, 'message', 'fast', null, { id: 'both', ack: 1 });
  expect(await client.answer('both')).toMatchObject({ event: 'exception', data: { code: 'bad_id' } });
  expect(said(client)).toEqual([]);
});

it('a transport that was closed twice leaves the next one alone', async () => {
  const { app, transport } = await own();
  const client = await app.connect('/');
  transport.close();
  new EnvelopeTransport(app.adapter).listen((error) => expect(error).toBeUndefined());
  transport.close();
  client.send({ kind: 'message', pattern: 'fast', id: 1 });
  await client.until(
    'an answer',
    () => client.frames.length > 0 && JSON.stringify(client.frames).includes('1'),
  );
  // the next transport has no handlers: its own words, not the path's
  expect(said(client)).toMatchObject([{ kind: 'error' }]);
});
