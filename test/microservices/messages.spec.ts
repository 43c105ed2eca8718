import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { concat, of, throwError, type Observable } from 'rxjs';
import { ENVELOPE, EnvelopeContext } from '../../lib/microservices/index.js';
import type { TestClient } from '../support/client.js';
import { until } from '../support/wait.js';
import { answerOf, ask, said, say, startHybrid } from './fixture.js';

const heard: unknown[] = [];
let seen: EnvelopeContext | undefined;

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
    seen = context;
    return context.getPattern();
  }
  @EventPattern('users.seen')
  seen(@Payload() data: unknown): void {
    heard.push(data);
  }
  @EventPattern('users.seen')
  alsoSeen(@Payload() data: unknown): void {
    heard.push(['also', data]);
  }
  @EventPattern('users.broken')
  broken(@Payload() _: unknown): void {
    heard.push('broken');
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

beforeEach(() => heard.splice(0));

describe('a message of the microservice protocol', () => {
  it('is answered, word for word as the protocol says', async () => {
    const client = await connected();
    client.send('{"kind":"message","pattern":"users.count","payload":null,"metadata":{}}');
    await client.until('an answer', () => said(client).length === 1);
    expect(said(client)).toEqual([{ kind: 'response', pattern: 'users.count', payload: 7, metadata: {} }]);
    client.send('{"kind":"message","pattern":"users.count","id":"x"}');
    expect(await answerOf(client, 'x')).toEqual({
      ...{ kind: 'response', pattern: 'users.count', payload: 7, metadata: {}, id: 'x' },
    });
  });

  it('finds text, object and number patterns, sync and async handlers, and in binary frames as well', async () => {
    const client = await connected();
    expect(await ask(client, { of: { numbers: true }, cmd: 'sum' }, [1, 2, 3])).toMatchObject({ payload: 6 });
    expect((await ask(client, 404)).payload).toBe('a number is a pattern');
    expect((await ask(client, 'later', { text: 'see you' })).payload).toBe('see you, later');
    expect((await ask(client, 'echo', { deep: ['ü', null] })).payload).toEqual({ deep: ['ü', null] });
    client.ws.send(Buffer.from(JSON.stringify({ kind: 'message', pattern: 'users.count', id: 1 })));
    expect((await answerOf(client, 1)).payload).toBe(7);
  });

  it('is told apart by its id, also where a hundred are under way', async () => {
    const client = await connected();
    const ids = Array.from({ length: 100 }, (_, i) => i);
    for (const id of ids) say(client, 'message', 'later', { text: String(id) }, { id });
    const answers = await Promise.all(ids.map((id) => answerOf(client, id)));
    expect(answers.map(({ payload }) => payload)).toEqual(ids.map((id) => `${id}, later`));
  });

  it('has an end without a payload where there is no value, and says of each but the last that more follow', async () => {
    const client = await connected();
    expect(await ask(client, 'nothing')).not.toHaveProperty('payload');
    say(client, 'message', 'three', null, { id: 3 });
    await answerOf(client, 3);
    const values = said(client).filter(({ id }) => id === 3);
    expect(values.map(({ payload, more }) => [payload, more])).toEqual([
      [1, true],
      [2, true],
      [3, undefined],
    ]);
  });

  it('fails as an error: what RpcException carries, nothing of what else is thrown', async () => {
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

  it('tells a handler who asks, and with what', async () => {
    const client = await connected();
    say(client, 'message', 'context', 1, { id: 9, metadata: { traceparent: '00-1-2-01' } });
    expect((await answerOf(client, 9)).payload).toBe('context');
    expect(seen!.getId()).toBe(9);
    expect(seen!.getMetadata()).toEqual({ traceparent: '00-1-2-01' });
    expect(seen!.getHandshake().url).toBe('/ws');
    expect(seen!.getUser()).toBeUndefined();
    expect(seen!.getSocketRef().rooms).toEqual(new Set([seen!.getSocketRef().id]));
  });

  it('shares its socket with gateways', async () => {
    const client = await connected();
    expect((await client.ask('users.count')).data).toBe('of the gateway');
    expect((await ask(client, 'users.count')).payload).toBe(7);
  });

  it('is refused where it is malformed, in the envelope’s words', async () => {
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
  it('reaches all of its handlers, and is answered by nothing', async () => {
    const client = await connected();
    say(client, 'event', 'users.seen', 'ada', { id: 'not asked for' });
    await until('both handlers', () => heard.length === 2);
    expect(heard).toEqual(expect.arrayContaining(['ada', ['also', 'ada']]));
    await client.settled();
    expect(said(client)).toEqual([]);
  });

  it('that no handler takes, or whose handler throws, is answered by nothing either', async () => {
    const client = await connected();
    say(client, 'event', 'users.unknown', 1);
    say(client, 'event', 'users.broken', 1);
    await until('the handler', () => heard.length === 1);
    await client.settled();
    expect(client.frames.filter(({ event }) => event !== '$ping')).toEqual([]);
    expect((await ask(client, 'users.count')).payload).toBe(7);
  });
});
