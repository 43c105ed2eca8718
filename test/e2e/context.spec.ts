import { Ack, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { observe } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { until } from '../support/wait.js';

const gates = new Map<string, () => void>();
const gate = (name: string): Promise<void> => new Promise((resolve) => gates.set(name, resolve));
const open = async (name: string): Promise<void> => {
  await until(name, () => gates.has(name));
  gates.get(name)!();
  gates.delete(name);
};

@WebSocketGateway()
class Gateway {
  private parked: (answer: string) => void = () => undefined;

  @SubscribeMessage('park')
  park(@Ack() ack: (answer: string) => void): void {
    this.parked = ack;
  }
  @SubscribeMessage('answer both')
  async answerBoth(): Promise<string> {
    await gate('begin');
    this.parked('parked');
    await gate('end');
    return 'own';
  }
  @SubscribeMessage('early')
  async early(@Ack() ack: (answer: string) => void): Promise<void> {
    await gate('begin');
    ack('yes');
    await gate('end');
  }
  @SubscribeMessage('fail')
  fail(): void {
    throw new WsException('of another');
  }
}

describe('a message that has its turn when another one ends', () => {
  afterEach(() => gates.clear());

  it('does not answer the request that let it', async () => {
    const app = await startApp({ providers: [Gateway] }, { adapter: { limits: { maxInFlight: 2 } } });
    const client = await app.connect();
    client.ws.send(JSON.stringify({ event: 'park', id: 'parked' }));
    client.ws.send(JSON.stringify({ event: 'answer both', id: 'own' }));
    client.ws.send(JSON.stringify({ event: 'fail' }));
    client.ws.send(JSON.stringify({ event: '$ping', id: 'ping' }));
    await until('that all were read', () => client.frames.some(({ ack }) => ack === 'ping'));
    await open('begin');
    await until('the exception', () => client.frames.some(({ event }) => event === 'exception'));
    await open('end');
    await until('the answer', () => client.frames.some(({ ack }) => ack === 'own'));
    expect(client.frames.slice(1).map(({ event, data, ack }) => [event, ack, data])).toEqual([
      ['park', 'parked', 'parked'],
      ['exception', undefined, expect.objectContaining({ message: 'of another' })],
      ['answer both', 'own', 'own'],
    ]);
  });

  it('is not told of as what that one came to, when a line that was held is read on', async () => {
    const app = await startApp({ providers: [Gateway] }, { adapter: { limits: { maxInFlight: 1 } } });
    const ended: string[] = [];
    const stop = observe('handler.end', ({ event, outcome }) => void ended.push(`${event}: ${outcome}`));
    const client = await app.connect();
    client.ws.send(JSON.stringify({ event: 'early', id: 1 }));
    for (let i = 0; i < 128; i++) client.ws.send(JSON.stringify({ event: 'nobody' }));
    await until('a line that is held', () =>
      [...app.adapter._servers()].some(({ sockets }) =>
        [...sockets.values()].some(({ isPaused }) => isPaused),
      ),
    );
    client.ws.send(JSON.stringify({ event: '$reserved' }));
    // read by this side of the line, and not by its messages' reader
    await until('the bytes', () =>
      [...app.adapter._servers()].some(({ sockets }) =>
        [...sockets.values()].some(({ request }) => request.socket.readableLength > 0),
      ),
    );
    await open('begin');
    await until('its refusal', () =>
      client.frames.some(({ data }) => (data as { code?: string } | undefined)?.code === 'reserved_event'),
    );
    await open('end');
    await until('the end', () => ended.some((one) => one.startsWith('early')));
    stop();
    expect(ended).toContain('early: ok');
  });
});
