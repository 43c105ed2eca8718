import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { finalize, NEVER, Observable, startWith } from 'rxjs';
import { EnvelopeTransport } from '../../lib/microservices/index.js';
import { startApp } from '../support/app.js';
import { deferred, until } from '../support/wait.js';
import { answerOf, ask, receivedMessages, sendMessage, startHybrid } from './fixture.js';
import { coded } from '../support/error-code.js';

let released = 0;
let running = 0;
let gate = deferred();

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
    await gate.promise;
    return 'done';
  }
  @EventPattern('slow.event')
  async slowEvent(@Payload() _: unknown): Promise<void> {
    running++;
    await gate.promise;
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
  gate = deferred();
});
afterEach(() => gate.resolve());

describe('the microservice protocol on the connections of an adapter', () => {
  it('can use a separate path next to those of the gateways', async () => {
    const app = await startHybrid(HYBRID, { transport: { path: '/rpc' } });
    const [rpc, chat] = [await app.connect('/rpc'), await app.connect('/chat')];
    expect((await ask(rpc, 'fast')).payload).toBe('fast');
    expect(await rpc.ask('hello')).toMatchObject({ event: 'exception', data: { code: 'unknown_event' } });
    chat.send({ kind: 'message', pattern: 'fast', id: 1 });
    expect(await chat.answer(1)).toMatchObject({ event: 'exception', data: { code: 'bad_event' } });
  });

  it('allows one transport on each path', async () => {
    const app = await startHybrid(HYBRID, { transport: { path: '/chat' } });
    app.nest.connectMicroservice({ strategy: new EnvelopeTransport(app.adapter, { path: '/chat' }) });
    await expect(app.nest.startAllMicroservices()).rejects.toThrow(
      coded(
        'ERR_ENVELOPE_PATH_CONFLICT',
        'EnvelopeTransport: path "/chat" already has a transport. Use one EnvelopeTransport per path',
      ),
    );
  });

  it('ends a source after $cancel and when its client disconnects', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    sendMessage(client, 'message', 'endless', null, { id: 1 });
    await client.until('a value', () => receivedMessages(client).length === 1);
    expect(receivedMessages(client)[0]).toMatchObject({ payload: 1, more: true });
    client.send({ event: '$cancel', data: 1 });
    expect(await answerOf(client, 1)).not.toHaveProperty('payload');
    expect(released).toBe(1);
    sendMessage(client, 'message', 'endless', null, { id: 2 });
    await client.until('a value', () => receivedMessages(client).length === 3);
    client.ws.terminate();
    await until('the source has ended', () => released === 2);
  });

  it('limits the number of messages in flight, including events, and runs the others in order', async () => {
    const app = await startHybrid(HYBRID, { adapter: { limits: { maxInFlight: 2 } } });
    const client = await app.connect('/');
    sendMessage(client, 'message', 'slow', null, { id: 1 });
    sendMessage(client, 'event', 'slow.event', null);
    sendMessage(client, 'message', 'slow', null);
    await until('two run', () => running === 2);
    await client.settled();
    expect(running).toBe(2);
    gate.resolve();
    expect((await answerOf(client, undefined)).payload).toBe('done');
    expect(running).toBe(3);
  });

  it('closes the connection of a client that uses an id twice', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    sendMessage(client, 'message', 'slow', null, { id: 1 });
    sendMessage(client, 'message', 'slow', null, { id: 1 });
    expect((await client.ended()).reason).toBe('id already in flight');
  });

  it('waits for messages in flight when the application closes, and refuses new ones', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    sendMessage(client, 'message', 'slow', null, { id: 1 });
    await until('it runs', () => running === 1);
    const closed = app.nest.close();
    await until('it closes', () => app.adapter.create(0)._isClosing);
    sendMessage(client, 'message', 'fast', null, { id: 2 });
    expect(await answerOf(client, 2)).toMatchObject({ kind: 'error', payload: { code: 'going_away' } });
    gate.resolve();
    expect((await answerOf(client, 1)).payload).toBe('done');
    expect((await client.ended()).code).toBe(1001);
    await closed;
  });

  it('is not available on a path without a transport', async () => {
    const app = await startApp({ providers: [ChatGateway] });
    const client = await app.connect('/chat');
    client.send({ kind: 'message', pattern: 'fast', id: 1 });
    expect(await client.answer(1)).toMatchObject({ event: 'exception', data: { code: 'bad_event' } });
    // The envelope ignores the unknown field.
    expect((await client.ask('hello', undefined, 2)).data).toBe('hi');
    client.send({ event: 'hello', kind: 'message', id: 3 });
    expect((await client.answer(3)).data).toBe('hi');
  });
});
