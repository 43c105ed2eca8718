import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { finalize, NEVER, Observable, startWith } from 'rxjs';
import { EnvelopeTransport } from '../../lib/microservices/index.js';
import { startApp } from '../support/app.js';
import { deferred, until } from '../support/wait.js';
import { answerOf, ask, said, say, startHybrid } from './fixture.js';

let released = 0;
let running = 0;
let door = deferred();

@Controller()
class SlowController {
  @MessagePattern('endless')
  endless(): Observable<number> {
    return NEVER.pipe(
      startWith(1),
      finalize(() => released++),
    );
  }
  @MessagePattern('slow')
  async slow(): Promise<string> {
    running++;
    await door.promise;
    return 'done';
  }
  @EventPattern('slow.event')
  async slowEvent(@Payload() _: unknown): Promise<void> {
    running++;
    await door.promise;
  }
  @MessagePattern('fast')
  fast(): string {
    return 'fast';
  }
}

@WebSocketGateway({ path: '/chat' })
class ChatGateway {
  @SubscribeMessage('hello')
  hello(): string {
    return 'hi';
  }
}

const HYBRID = { controllers: [SlowController], providers: [ChatGateway] };

beforeEach(() => {
  released = running = 0;
  door = deferred();
});
afterEach(() => door.resolve());

describe('the microservice protocol on the sockets of an adapter', () => {
  it('has a path of its own where it is told one, beside the gateways’', async () => {
    const app = await startHybrid(HYBRID, { transport: { path: '/rpc' } });
    const [rpc, chat] = [await app.connect('/rpc'), await app.connect('/chat')];
    expect((await ask(rpc, 'fast')).payload).toBe('fast');
    expect(await rpc.ask('hello')).toMatchObject({ event: 'exception', data: { code: 'unknown_event' } });
    chat.send({ kind: 'message', pattern: 'fast', id: 1 });
    expect(await chat.answer(1)).toMatchObject({ event: 'exception', data: { code: 'bad_event' } });
  });

  it('has one transport on a path', async () => {
    const app = await startHybrid(HYBRID, { transport: { path: '/chat' } });
    app.nest.connectMicroservice({ strategy: new EnvelopeTransport(app.adapter, { path: '/chat' }) });
    await expect(app.nest.startAllMicroservices()).rejects.toThrow(
      'EnvelopeTransport: one listens on /chat already',
    );
  });

  it('ends a source with $cancel, and when its client goes', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    say(client, 'message', 'endless', null, { id: 1 });
    await client.until('a value', () => said(client).length === 1);
    expect(said(client)[0]).toMatchObject({ payload: 1, more: true });
    client.send({ event: '$cancel', data: 1 });
    expect(await answerOf(client, 1)).not.toHaveProperty('payload');
    expect(released).toBe(1);
    say(client, 'message', 'endless', null, { id: 2 });
    await client.until('a value', () => said(client).length === 3);
    client.ws.terminate();
    await until('the source is let go', () => released === 2);
  });

  it('lets so many messages be in flight, events among them, and takes the next in their turn', async () => {
    const app = await startHybrid(HYBRID, { adapter: { limits: { maxInFlight: 2 } } });
    const client = await app.connect('/');
    say(client, 'message', 'slow', null, { id: 1 });
    say(client, 'event', 'slow.event', null);
    say(client, 'message', 'slow', null);
    await until('two run', () => running === 2);
    await client.settled();
    expect(running).toBe(2);
    door.resolve();
    expect((await answerOf(client, undefined)).payload).toBe('done');
    expect(running).toBe(3);
  });

  it('closes the line of a client that uses an id twice', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    say(client, 'message', 'slow', null, { id: 1 });
    say(client, 'message', 'slow', null, { id: 1 });
    expect((await client.ended()).reason).toBe('id already in flight');
  });

  it('waits for the messages in flight when the application closes, and takes no new ones', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    say(client, 'message', 'slow', null, { id: 1 });
    await until('it runs', () => running === 1);
    const closed = app.nest.close();
    await until('it closes', () => app.adapter.create(0)._isClosing);
    say(client, 'message', 'fast', null, { id: 2 });
    expect(await answerOf(client, 2)).toMatchObject({ kind: 'error', payload: { code: 'going_away' } });
    door.resolve();
    expect((await answerOf(client, 1)).payload).toBe('done');
    expect((await client.ended()).code).toBe(1001);
    await closed;
  });

  it('is not spoken where no transport listens', async () => {
    const app = await startApp({ providers: [ChatGateway] });
    const client = await app.connect('/chat');
    client.send({ kind: 'message', pattern: 'fast', id: 1 });
    expect(await client.answer(1)).toMatchObject({ event: 'exception', data: { code: 'bad_event' } });
    // a field that the envelope does not know
    expect((await client.ask('hello', undefined, 2)).data).toBe('hi');
    client.send({ event: 'hello', kind: 'message', id: 3 });
    expect((await client.answer(3)).data).toBe('hi');
  });
});
