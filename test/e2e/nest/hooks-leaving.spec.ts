import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../../lib/index.js';
import { startApp } from '../../support/app.js';
import { expectNoUnhandledErrors } from '../../support/unhandled-errors.js';
import { deferred, until } from '../../support/wait.js';

type Leaving = [reason: string, closed: EnvelopeSocket['closed']];

@WebSocketGateway({ pingInterval: 40, pingTimeout: 1_500, maxPayload: 1_000 })
class LeavingGateway {
  readonly left: Leaving[] = [];
  handleDisconnect(client: EnvelopeSocket, reason: string): void {
    this.left.push([reason, client.closed]);
  }
  @SubscribeMessage('disconnect me')
  disconnectMe(client: EnvelopeSocket): void {
    client.disconnect();
  }
  @SubscribeMessage('close me')
  closeMe(client: EnvelopeSocket): void {
    client.close(4002, 'enough');
  }
  @SubscribeMessage('terminate me')
  terminateMe(client: EnvelopeSocket): void {
    client.terminate();
  }
}

@WebSocketGateway({ path: '/unwanted' })
class UnwantedGateway {
  readonly trail: string[] = [];
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    if (client.handshake.query['when'] === 'later') await new Promise((resolve) => setImmediate(resolve));
    client.emit('goodbye');
    client.disconnect();
    this.trail.push(`connected: ${client.connected}`);
  }
  handleDisconnect(client: EnvelopeSocket, reason: string): void {
    this.trail.push(reason, `rooms: ${client.rooms.size}`);
  }
  @SubscribeMessage('note')
  note(): void {
    this.trail.push('handled');
  }
}

@WebSocketGateway({ path: '/bad' })
class BadlyLeavingGateway {
  calls = 0;
  handleDisconnect(client: EnvelopeSocket): Promise<void> | void {
    this.calls++;
    if (client.handshake.query['how'] === 'throws') throw new Error('thrown while leaving');
    return Promise.reject(new Error('rejected while leaving'));
  }
}
@WebSocketGateway({ path: '/bad' })
class WellLeavingGateway {
  calls = 0;
  handleDisconnect(): void {
    this.calls++;
  }
}

@WebSocketGateway({ path: '/endless' })
class EndlessGateway {
  left = 0;
  handleConnection(): Promise<void> {
    return new Promise(() => undefined);
  }
  handleDisconnect(): void {
    this.left++;
  }
}

@WebSocketGateway({ path: '/farewell' })
class FarewellGateway {
  readonly gate = deferred<void>();
  finished = false;
  async handleDisconnect(): Promise<void> {
    await this.gate.promise;
    this.finished = true;
  }
}

expectNoUnhandledErrors();

describe('handleDisconnect', () => {
  const leave = async (
    act: (client: Awaited<ReturnType<typeof open>>['client']) => void,
  ): Promise<Leaving> => {
    const { gateway, client } = await open();
    act(client);
    await until('handleDisconnect', () => gateway.left.length > 0);
    await client.ended();
    expect(gateway.left).toHaveLength(1);
    return gateway.left[0]!;
  };
  const open = async (autoPong = true) => {
    const app = await startApp({ providers: [LeavingGateway] });
    return { app, gateway: app.nest.get(LeavingGateway), client: await app.connect('/', { autoPong }) };
  };

  it.each<[string, Parameters<typeof leave>[0], string, number, boolean, string, string]>([
    ['1000', (c) => c.close(1000, 'bye'), 'client namespace disconnect', 1000, true, 'client', 'bye'],
    ['no code', (c) => c.close(), 'client namespace disconnect', 1005, true, 'client', ''],
    ['4001', (c) => c.close(4001), 'transport close', 4001, true, 'client', ''],
    ['a cut', (c) => c.ws.terminate(), 'transport close', 1006, false, 'network', ''],
    [
      'disconnect()',
      (c) => c.send({ event: 'disconnect me' }),
      'server namespace disconnect',
      1000,
      true,
      'server',
      '',
    ],
    [
      'close()',
      (c) => c.send({ event: 'close me' }),
      'server namespace disconnect',
      4002,
      true,
      'server',
      'enough',
    ],
    ['terminate()', (c) => c.send({ event: 'terminate me' }), 'forced close', 1006, false, 'server', ''],
    ['too much', (c) => c.send('x'.repeat(1_001)), 'parse error', 1009, false, 'server', ''],
    [
      'a bad frame',
      (c) => rawSocketOf(c.ws).write(Buffer.from([0xff, 0x80, 0, 0, 0, 0])),
      'parse error',
      1002,
      false,
      'server',
      '',
    ],
  ])('gets the word for %s', async (_, act, word, code, wasClean, initiator, reason) => {
    expect(await leave(act)).toEqual([word, { code, wasClean, initiator, reason }]);
  });

  it('gets the word for silence', async () => {
    const { gateway } = await open(false);
    await until('handleDisconnect', () => gateway.left.length > 0);
    expect(gateway.left).toEqual([
      ['ping timeout', { code: 1006, reason: '', wasClean: false, initiator: 'network' }],
    ]);
  });

  it('gets the word for the end of the application', async () => {
    const { app, gateway, client } = await open();
    await app.nest.close();
    expect(await client.ended()).toEqual({ code: 1001, reason: 'server shutting down' });
    expect(gateway.left).toEqual([
      [
        'server shutting down',
        { code: 1001, reason: 'server shutting down', wasClean: true, initiator: 'server' },
      ],
    ]);
  });

  it.each(['at once', 'later'])('runs where handleConnection disconnects the client, %s', async (when) => {
    const app = await startApp({ providers: [UnwantedGateway] });
    const gateway = app.nest.get(UnwantedGateway);
    const client = await app.connect(`/unwanted?when=${encodeURIComponent(when)}`);
    if (client.ws.readyState === client.ws.OPEN) client.send({ event: 'note', id: 1 });
    expect((await client.ended()).code).toBe(1000);
    expect(client.frames).toEqual([{ event: 'goodbye' }]);
    await until('both hooks', () => gateway.trail.length === 3);
    const left = ['server namespace disconnect', 'rooms: 0'];
    expect(new Set(gateway.trail)).toEqual(new Set(['connected: false', ...left]));
  });

  it.each(['throws', 'rejects'])('that %s is reported, and nothing else', async (how) => {
    const app = await startApp({ providers: [BadlyLeavingGateway, WellLeavingGateway] });
    const [bad, well] = [app.nest.get(BadlyLeavingGateway), app.nest.get(WellLeavingGateway)];
    (await app.connect(`/bad?how=${how}`)).close();
    await until('both gateways', () => bad.calls + well.calls === 2 && app.log.of('error').length > 0);
    expect(app.log.of('error')).toEqual([
      expect.stringMatching(/\/bad: handleDisconnect threw: .*while leaving/),
    ]);
    // the next client is served
    const next = await app.connect(`/bad?how=${how}`);
    await next.settled();
    next.close();
    await until('both gateways', () => bad.calls + well.calls === 4);
  });

  it('is waited for when the application closes', async () => {
    const app = await startApp({ providers: [FarewellGateway] });
    const gateway = app.nest.get(FarewellGateway);
    const client = await app.connect('/farewell');
    const closed = app.nest.close().then(() => gateway.finished);
    await client.ended();
    gateway.gate.resolve();
    expect(await closed).toBe(true);
  });

  it('leaves no timer behind where handleConnection never settles', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const app = await startApp({ providers: [EndlessGateway] });
    const gateway = app.nest.get(EndlessGateway);
    const before = timers();
    const clients = await Promise.all(Array.from({ length: 20 }, () => app.connect('/endless')));
    for (const client of clients) client.ws.terminate();
    await until('handleDisconnect', () => gateway.left === 20);
    await until('the end of the timers', () => timers() <= before);
  });
});

/** The TCP socket under a client, to write what no WebSocket library does. */
function rawSocketOf(ws: object): { write(bytes: Buffer): void } {
  return Reflect.get(ws, '_socket') as { write(bytes: Buffer): void };
}
