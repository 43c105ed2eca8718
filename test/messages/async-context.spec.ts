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
class ContextGateway {
  private pending: (answer: string) => void = () => undefined;

  @SubscribeMessage('postpone')
  postpone(@Ack() ack: (answer: string) => void): void {
    this.pending = ack;
  }
  @SubscribeMessage('answer both')
  async answerBoth(): Promise<string> {
    await gate('begin');
    this.pending('pending');
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

describe('a message that runs when another one ends', () => {
  afterEach(() => gates.clear());

  it('does not answer the request whose end released it', async () => {
    const app = await startApp({ providers: [ContextGateway] }, { adapter: { limits: { maxInFlight: 2 } } });
    const client = await app.connect();
    client.ws.send(JSON.stringify({ event: 'postpone', id: 'pending' }));
    client.ws.send(JSON.stringify({ event: 'answer both', id: 'own' }));
    client.ws.send(JSON.stringify({ event: 'fail' }));
    client.ws.send(JSON.stringify({ event: '$ping', id: 'ping' }));
    await until('all messages are read', () => client.frames.some(({ ack }) => ack === 'ping'));
    await open('begin');
    await until('the exception', () => client.frames.some(({ event }) => event === 'exception'));
    await open('end');
    await until('the answer', () => client.frames.some(({ ack }) => ack === 'own'));
    expect(client.frames.slice(1).map(({ event, data, ack }) => [event, ack, data])).toEqual([
      ['postpone', 'pending', 'pending'],
      ['exception', undefined, expect.objectContaining({ message: 'of another' })],
      ['answer both', 'own', 'own'],
    ]);
  });

  it('is not reported as the outcome of that request when a paused connection is resumed', async () => {
    const app = await startApp({ providers: [ContextGateway] }, { adapter: { limits: { maxInFlight: 1 } } });
    const ended: string[] = [];
    const stop = observe('handler.end', ({ event, outcome }) => void ended.push(`${event}: ${outcome}`));
    const client = await app.connect();
    client.ws.send(JSON.stringify({ event: 'early', id: 1 }));
    for (let i = 0; i < 128; i++) client.ws.send(JSON.stringify({ event: 'unknown' }));
    await until('the connection is paused', () =>
      [...app.adapter._servers()].some(({ sockets }) =>
        [...sockets.values()].some(({ isPaused }) => isPaused),
      ),
    );
    client.ws.send(JSON.stringify({ event: '$reserved' }));
    // The server has read the bytes from the network, but not yet as messages.
    await until('the bytes', () =>
      [...app.adapter._servers()].some(({ sockets }) =>
        [...sockets.values()].some(({ request }) => request.socket.readableLength > 0),
      ),
    );
    await open('begin');
    await until('the refusal', () =>
      client.frames.some(({ data }) => (data as { code?: string } | undefined)?.code === 'reserved_event'),
    );
    await open('end');
    await until('the end', () => ended.some((one) => one.startsWith('early')));
    stop();
    expect(ended).toContain('early: ok');
  });
});
