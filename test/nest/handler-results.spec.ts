import { UseInterceptors, type CallHandler, type NestInterceptor } from '@nestjs/common';
import { Ack, ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { of, type Observable } from 'rxjs';
import { EnvelopeSocket, type EnvelopeOptions, type PathOptions } from '../../lib/index.js';
import { startApp } from '../support/app.js';

const passOn: NestInterceptor = {
  intercept: (_context: unknown, next: CallHandler): Observable<unknown> => next.handle(),
};

/** Written like gateways for `IoAdapter`, which sends a return value only if the client sent a request id. */
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

/** Sends each event once without an `id`. @returns what the client receives */
async function repliesWithoutId(path: string, adapter: EnvelopeOptions = {}): Promise<[string, unknown][]> {
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

describe('return values of handlers for messages without an id', () => {
  it.each(['/ws', '/always'])("are sent with replies: 'always', except plain booleans: %s", async (path) => {
    expect(await repliesWithoutId(path)).toEqual([
      ['message', 'hi'],
      ...PUSHED.slice(0, 5),
      ['observable', 1],
      ['named', false],
      ['observable', 2],
      ['by hand', true],
    ]);
  });

  it("are not sent with replies: 'requests', except { event, data }", async () => {
    expect(await repliesWithoutId('/requests')).toEqual(PUSHED);
  });

  it('follow the option of the adapter unless the gateway sets it', async () => {
    expect(await repliesWithoutId('/ws', { replies: 'requests' })).toEqual(PUSHED);
    expect(await repliesWithoutId('/always', { replies: 'requests' })).not.toEqual(PUSHED);
  });

  it.each(['/always', '/requests'])('do not affect exceptions, which are always sent: %s', async (path) => {
    const client = await (await startApp({ providers })).connect(path);
    client.send({ event: 'fails' });
    expect((await client.next('exception')).data.message).toBe('Internal server error');
  });
});

it.each(['/always', '/requests'])(
  'answers requests with return values, including booleans: %s',
  async (path) => {
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
  },
);
