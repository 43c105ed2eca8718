import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { concat, of, throwError, type Observable } from 'rxjs';
import { ENVELOPE, EnvelopeContext } from '../../lib/microservices/index.js';
import type { TestClient } from '../support/client.js';
import { until } from '../support/wait.js';
import { answerOf, ask, receivedMessages, sendMessage, startHybrid } from './fixture.js';

const received: unknown[] = [];
let lastContext: EnvelopeContext | undefined;

@Controller()
class UsersController {
  @MessagePattern('users.count')
  count(): number {
    return 7;
  }
  @MessagePattern({ cmd: 'sum', of: { numbers: true } })
  sum(@Payload() numbers: number[]): number {
    return numbers.reduce((one, other) => one + other, 0);
  }
  @MessagePattern(404)
  byNumber(): string {
    return 'a number is a pattern';
  }
  @MessagePattern('later')
  async later(@Payload('text') text: string): Promise<string> {
    await new Promise(setImmediate);
    return `${text}, later`;
  }
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }
  @MessagePattern('nothing')
  nothing(): void {}
  @MessagePattern('three')
  three(): Observable<number> {
    return of(1, 2, 3);
  }
  @MessagePattern('fails')
  fails(): never {
    throw new RpcException('not today');
  }
  @MessagePattern('fails.object')
  failsWithObject(): never {
    throw new RpcException({ status: 'error', code: 17, message: 'not today' });
  }
  @MessagePattern('breaks')
  breaks(): never {
    throw new Error('a secret');
  }
  @MessagePattern('breaks.later')
  breaksLater(): Observable<number> {
    return concat(
      of(1),
      throwError(() => new RpcException('after one')),
    );
  }
  @MessagePattern('circular')
  circular(): object {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    return value;
  }
  @MessagePattern('context', ENVELOPE)
  context(@Ctx() context: EnvelopeContext): string {
    lastContext = context;
    return context.getPattern();
  }
  @EventPattern('users.seen')
  seen(@Payload() data: unknown): void {
    received.push(data);
  }
  @EventPattern('users.seen')
  alsoSeen(@Payload() data: unknown): void {
    received.push(['also', data]);
  }
  @EventPattern('users.broken')
  broken(@Payload() _: unknown): void {
    received.push('broken');
    throw new Error('in an event');
  }
}

@WebSocketGateway({ path: '/ws' })
class ChatGateway {
  @SubscribeMessage('users.count')
  count(): string {
    return 'of the gateway';
  }
}

const HYBRID = { controllers: [UsersController], providers: [ChatGateway] };
const OPTIONS = { adapter: { path: '/ws' } };

async function connected(): Promise<TestClient> {
  const app = await startHybrid(HYBRID, OPTIONS);
  return app.connect('/ws');
}

beforeEach(() => received.splice(0));

describe('a message of the microservice protocol', () => {
  it('is answered exactly as the protocol defines', async () => {
    const client = await connected();
    client.send('{"kind":"message","pattern":"users.count","payload":null,"metadata":{}}');
    await client.until('an answer', () => receivedMessages(client).length === 1);
    expect(receivedMessages(client)).toEqual([
      { kind: 'response', pattern: 'users.count', payload: 7, metadata: {} },
    ]);
    client.send('{"kind":"message","pattern":"users.count","id":"x"}');
    expect(await answerOf(client, 'x')).toEqual({
      ...{ kind: 'response', pattern: 'users.count', payload: 7, metadata: {}, id: 'x' },
    });
  });

  it('matches string, object and number patterns, sync and async handlers, and binary frames', async () => {
    const client = await connected();
    expect(await ask(client, { of: { numbers: true }, cmd: 'sum' }, [1, 2, 3])).toMatchObject({ payload: 6 });
    expect((await ask(client, 404)).payload).toBe('a number is a pattern');
    expect((await ask(client, 'later', { text: 'see you' })).payload).toBe('see you, later');
    expect((await ask(client, 'echo', { deep: ['ü', null] })).payload).toEqual({ deep: ['ü', null] });
    client.ws.send(Buffer.from(JSON.stringify({ kind: 'message', pattern: 'users.count', id: 1 })));
    expect((await answerOf(client, 1)).payload).toBe(7);
  });

  it('is matched to its answer by its id, among a hundred concurrent messages', async () => {
    const client = await connected();
    const ids = Array.from({ length: 100 }, (_, i) => i);
    for (const id of ids) sendMessage(client, 'message', 'later', { text: String(id) }, { id });
    const answers = await Promise.all(ids.map((id) => answerOf(client, id)));
    expect(answers.map(({ payload }) => payload)).toEqual(ids.map((id) => `${id}, later`));
  });

  it('ends without a payload if the handler returns no value, and marks all values but the last with more', async () => {
    const client = await connected();
    expect(await ask(client, 'nothing')).not.toHaveProperty('payload');
    sendMessage(client, 'message', 'three', null, { id: 3 });
    await answerOf(client, 3);
    const values = receivedMessages(client).filter(({ id }) => id === 3);
    expect(values.map(({ payload, more }) => [payload, more])).toEqual([
      [1, true],
      [2, true],
      [3, undefined],
    ]);
  });

  it('fails with the payload of an RpcException and hides other errors', async () => {
    const client = await connected();
    expect(await ask(client, 'fails')).toMatchObject({
      ...{ kind: 'error', pattern: 'fails', payload: { status: 'error', message: 'not today' } },
    });
    expect((await ask(client, 'fails.object')).payload).toEqual({
      ...{ status: 'error', code: 17, message: 'not today' },
    });
    const internal = { kind: 'error', payload: { status: 'error', message: 'Internal server error' } };
    expect(await ask(client, 'breaks')).toMatchObject(internal);
    expect(await ask(client, 'circular')).toMatchObject(internal);
    expect(await ask(client, 'breaks.later')).toMatchObject({ payload: { message: 'after one' } });
    expect(await ask(client, 'users.unknown')).toMatchObject({
      kind: 'error',
      payload: { status: 'error', message: expect.stringContaining('no matching message handler') },
    });
  });

  it('gives the handler a context with the client, the id and the metadata', async () => {
    const client = await connected();
    sendMessage(client, 'message', 'context', 1, { id: 9, metadata: { traceparent: '00-1-2-01' } });
    expect((await answerOf(client, 9)).payload).toBe('context');
    expect(lastContext!.getId()).toBe(9);
    expect(lastContext!.getMetadata()).toEqual({ traceparent: '00-1-2-01' });
    expect(lastContext!.getHandshake().url).toBe('/ws');
    expect(lastContext!.getUser()).toBeUndefined();
    expect(lastContext!.getSocketRef().rooms).toEqual(new Set([lastContext!.getSocketRef().id]));
  });

  it('shares its connection with gateways', async () => {
    const client = await connected();
    expect((await client.ask('users.count')).data).toBe('of the gateway');
    expect((await ask(client, 'users.count')).payload).toBe(7);
  });

  it('is refused as an exception of the envelope if it is malformed', async () => {
    const client = await connected();
    for (const [index, fields] of [
      { kind: 'response', pattern: 'users.count' },
      { kind: 'message', pattern: null },
      { kind: 'message', pattern: ['users.count'] },
      { kind: 'message', pattern: 'x'.repeat(1_025) },
      { kind: 'message', pattern: { deep: 'x'.repeat(1_025) } },
      { kind: 'message', pattern: 'users.count', metadata: [] },
    ].entries()) {
      client.send({ ...fields, id: index });
      expect(await client.answer(index)).toMatchObject({ event: 'exception', data: { code: 'bad_frame' } });
    }
  });
});

describe('an event of the microservice protocol', () => {
  it('reaches all of its handlers and receives no answer', async () => {
    const client = await connected();
    sendMessage(client, 'event', 'users.seen', 'ada', { id: 'not asked for' });
    await until('both handlers', () => received.length === 2);
    expect(received).toEqual(expect.arrayContaining(['ada', ['also', 'ada']]));
    await client.settled();
    expect(receivedMessages(client)).toEqual([]);
  });

  it('receives no answer if no handler exists or its handler throws', async () => {
    const client = await connected();
    sendMessage(client, 'event', 'users.unknown', 1);
    sendMessage(client, 'event', 'users.broken', 1);
    await until('the handler', () => received.length === 1);
    await client.settled();
    expect(client.frames.filter(({ event }) => event !== '$ping')).toEqual([]);
    expect((await ask(client, 'users.count')).payload).toBe(7);
  });
});
