import { UseInterceptors, type CallHandler, type NestInterceptor } from '@nestjs/common';
import { Ack, ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { of, type Observable } from 'rxjs';
import { EnvelopeSocket, type EnvelopeOptions, type PathOptions } from '../../lib/index.js';
import { startApp } from '../support/app.js';

const passOn: NestInterceptor = {
  intercept: (_context: unknown, next: CallHandler): Observable<unknown> => next.handle(),
};

/** As gateways are written for `IoAdapter`, where what they return goes nowhere unless the client asked. */
class Handlers {
  @SubscribeMessage('message')
  message(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() payload: unknown): unknown {
    client.nsp.emit('message', payload);
    return payload;
  }
  @SubscribeMessage('denied')
  denied(@ConnectedSocket() client: EnvelopeSocket): boolean {
    return client.emit('no entry');
  }
  @SubscribeMessage('denied later')
  async deniedLater(@ConnectedSocket() client: EnvelopeSocket): Promise<boolean> {
    await new Promise(setImmediate);
    return client.nsp.to(client.id).emit('no entry');
  }
  @UseInterceptors(passOn)
  @SubscribeMessage('intercepted')
  intercepted(@ConnectedSocket() client: EnvelopeSocket): boolean {
    return client.emit('no entry');
  }
  @SubscribeMessage('response')
  response(): unknown {
    return { event: 'response', data: true };
  }
  @SubscribeMessage('observable')
  observable(): unknown {
    return of(1, { event: 'named', data: false }, true, 2);
  }
  @SubscribeMessage('by hand')
  byHand(@Ack() ack: (value: unknown) => void): void {
    ack(true);
  }
  @SubscribeMessage('fails')
  fails(): never {
    throw new Error();
  }
}

@WebSocketGateway({ path: '/ws' })
class PlainGateway extends Handlers {}
@WebSocketGateway({ path: '/always', replies: 'always' } satisfies PathOptions & { path: string })
class AlwaysGateway extends Handlers {}
@WebSocketGateway({ path: '/requests', replies: 'requests' } satisfies PathOptions & { path: string })
class RequestsGateway extends Handlers {}

const providers = [PlainGateway, AlwaysGateway, RequestsGateway];
const EVENTS = [
  ...['message', 'denied', 'denied later', 'intercepted', 'response', 'observable', 'by hand', 'fails'],
];

/** What a client gets that sends each event once, without an `id`. */
async function unasked(path: string, adapter: EnvelopeOptions = {}): Promise<[string, unknown][]> {
  const client = await (await startApp({ providers }, { adapter })).connect(path);
  for (const event of EVENTS) {
    client.send({ event, data: 'hi' });
    await client.settled();
  }
  return client.frames
    .filter(({ event }) => event !== '$ping' && event !== 'exception')
    .map(({ event, data }) => [event!, data]);
}

const PUSHED = [
  ['message', 'hi'],
  ['no entry', undefined],
  ['no entry', undefined],
  ['no entry', undefined],
  ['response', true],
  ['named', false],
];

describe('what handlers return for messages without an id', () => {
  it.each(['/ws', '/always'])("is sent with replies: 'always', but for plain booleans: %s", async (path) => {
    expect(await unasked(path)).toEqual([
      ['message', 'hi'],
      ...PUSHED.slice(0, 5),
      ['observable', 1],
      ['named', false],
      ['observable', 2],
      ['by hand', true],
    ]);
  });

  it("is not sent with replies: 'requests', but for { event, data }", async () => {
    expect(await unasked('/requests')).toEqual(PUSHED);
  });

  it("the adapter's option is the default, a gateway's wins", async () => {
    expect(await unasked('/ws', { replies: 'requests' })).toEqual(PUSHED);
    expect(await unasked('/always', { replies: 'requests' })).not.toEqual(PUSHED);
  });

  it.each(['/always', '/requests'])('an exception is sent all the same: %s', async (path) => {
    const client = await (await startApp({ providers })).connect(path);
    client.send({ event: 'fails' });
    expect((await client.next('exception')).data.message).toBe('Internal server error');
  });
});

it.each(['/always', '/requests'])('requests get their answers, booleans too: %s', async (path) => {
  const client = await (await startApp({ providers })).connect(path);
  const answers: [string, unknown][] = [];
  for (const event of EVENTS.slice(0, -1)) {
    const answer = await client.ask(event, 'hi');
    answers.push([answer.event!, answer.data]);
  }
  expect(answers).toEqual([
    ['message', 'hi'],
    ['denied', true],
    ['denied later', true],
    ['intercepted', true],
    ['response', true],
    ['observable', 1],
    ['by hand', true],
  ]);
});
