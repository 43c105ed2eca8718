import {
  ForbiddenException,
  HttpException,
  ServiceUnavailableException,
  UseGuards,
  UsePipes,
  ValidationPipe,
  type CanActivate,
  type PipeTransform,
} from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { IsInt, IsString } from 'class-validator';
import { throwError } from 'rxjs';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

class Order {
  @IsString()
  name!: string;
  @IsInt()
  count!: number;
}

const refusingGuard: CanActivate = {
  canActivate: () => {
    throw new ForbiddenException('not you');
  },
};
const refusingPipe: PipeTransform = {
  transform: () => {
    throw new HttpException({ statusCode: 418, message: 'tea', hint: 'pot' }, 418);
  },
};

class Unserialisable extends Error {
  readonly secret = { token: 'secret' };
}

@WebSocketGateway()
class FailingGateway {
  @SubscribeMessage('text')
  text(): void {
    throw new WsException('no');
  }
  @SubscribeMessage('object')
  object(): void {
    throw new WsException({ code: 'E_NO', details: [1, 2] });
  }
  @SubscribeMessage('async')
  async rejects(): Promise<void> {
    throw new WsException('later');
  }
  @SubscribeMessage('observable')
  observable(): unknown {
    return throwError(() => new WsException('streamed'));
  }
  @UsePipes(new ValidationPipe())
  @SubscribeMessage('validated')
  validated(@MessageBody() order: Order): unknown {
    return { order, isOrder: order instanceof Order };
  }
  @SubscribeMessage('transformed')
  transformed(@MessageBody(new ValidationPipe({ transform: true, whitelist: true })) order: Order): unknown {
    return { order, isOrder: order instanceof Order };
  }
  @UseGuards(refusingGuard)
  @SubscribeMessage('httpGuard')
  httpGuard(): void {}
  @SubscribeMessage('httpPipe')
  httpPipe(@MessageBody(refusingPipe) _: unknown): void {}
  @SubscribeMessage('http')
  http(): void {
    throw new ServiceUnavailableException();
  }
  @SubscribeMessage('httpText')
  httpText(): void {
    throw new HttpException('plain', 409);
  }
  @SubscribeMessage('unknown')
  unknown(): void {
    throw new Unserialisable('secret');
  }
  @SubscribeMessage('unknownAsync')
  async unknownAsync(): Promise<void> {
    throw new Unserialisable('secret');
  }
  @SubscribeMessage('thrown')
  thrown(): void {
    throw 'secret'; // eslint-disable-line -- users do
  }
  @SubscribeMessage('nothing')
  nothing(): void {
    throw undefined; // eslint-disable-line -- users do
  }
  @SubscribeMessage('generator')
  async *generator(): AsyncGenerator<number> {
    yield 1;
    throw new WsException('after one');
  }
}

expectNoUnhandledErrors();

describe('exceptions thrown by handlers', () => {
  const start = () => startApp({ providers: [FailingGateway] });
  const cause = (pattern: string) => ({ cause: { pattern, data: { name: 1 } } });
  const status = 'error';
  const internal = { status, message: 'Internal server error' };

  const expected: [string, object][] = [
    ['text', { status, message: 'no', ...cause('text') }],
    ['object', { code: 'E_NO', details: [1, 2] }],
    ['async', { status, message: 'later', ...cause('async') }],
    ['observable', { status, message: 'streamed', ...cause('observable') }],
    [
      'validated',
      {
        status,
        statusCode: 400,
        message: ['name must be a string', 'count must be an integer number'],
        error: 'Bad Request',
      },
    ],
    [
      'transformed',
      {
        status,
        statusCode: 400,
        message: ['name must be a string', 'count must be an integer number'],
        error: 'Bad Request',
      },
    ],
    ['httpGuard', { status, statusCode: 403, message: 'not you', error: 'Forbidden' }],
    ['httpPipe', { status, statusCode: 418, message: 'tea', hint: 'pot' }],
    ['http', { status, statusCode: 503, message: 'Service Unavailable' }],
    ['httpText', { status, statusCode: 409, message: 'plain' }],
    ['unknown', { ...internal, ...cause('unknown') }],
    ['unknownAsync', { ...internal, ...cause('unknownAsync') }],
    ['thrown', { ...internal, ...cause('thrown') }],
    ['nothing', { ...internal, ...cause('nothing') }],
  ];

  it.each(expected)('reach the client as an answer to its id: %s', async (event, data) => {
    const client = await (await start()).connect();
    expect(await client.ask(event, { name: 1 }, 'x')).toEqual({ event: 'exception', data, ack: 'x' });
    await client.settled();
    expect(client.frames.filter((frame) => frame.ack === 'x')).toHaveLength(1);
  });

  it.each(expected)('reach the client as an exception event without an id: %s', async (event, data) => {
    const client = await (await start()).connect();
    client.send({ event, data: { name: 1 } });
    expect(await client.next('exception')).toEqual({ event: 'exception', data });
    await client.settled();
    expect(client.frames.filter((frame) => frame.event === 'exception')).toHaveLength(1);
  });

  it('do not occur for valid data in a ValidationPipe', async () => {
    const client = await (await start()).connect();
    const order = { name: 'tea', count: 2 };
    expect((await client.ask('validated', { ...order, more: 1 })).data).toEqual({
      order: { ...order, more: 1 },
      isOrder: false,
    });
    expect((await client.ask('transformed', { ...order, more: 1 })).data).toEqual({ order, isOrder: true });
  });

  it('end a stream that fails after its first value', async () => {
    const client = await (await start()).connect();
    client.send({ event: 'generator', id: 1, stream: true });
    expect(await client.answer(1)).toEqual({ event: 'generator', data: 1, ack: 1, more: true });
    expect(await client.answer(1)).toMatchObject({
      event: 'exception',
      data: { status, message: 'after one' },
      ack: 1,
    });
    client.send({ event: 'generator' });
    expect(await client.next('generator')).toEqual({ event: 'generator', data: 1 });
    expect(await client.next('exception')).toMatchObject({ data: { message: 'after one' } });
  });

  it.each(['unknown', 'unknownAsync', 'thrown', 'nothing'])(
    'are logged once without details for the client: %s',
    async (event) => {
      const app = await start();
      const client = await app.connect();
      await client.ask(event, 'data');
      await client.settled();
      expect(app.log.of('error')).toHaveLength(1);
      expect(app.log.of('error')[0]).toMatch(event === 'nothing' ? 'undefined' : 'secret');
      expect(JSON.stringify(client.frames)).not.toContain('secret');
    },
  );

  it('are not logged when the client caused them', async () => {
    const app = await start();
    const client = await app.connect();
    for (const event of ['text', 'object', 'validated', 'httpGuard', 'httpPipe']) await client.ask(event, {});
    expect(app.log.of('error')).toEqual([]);
  });
});
