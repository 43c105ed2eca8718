import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';

type Disconnect = [reason: string, closed: EnvelopeSocket['closed']];

@WebSocketGateway({ pingInterval: 40, pingTimeout: 1_500, maxPayload: 1_000 })
class DisconnectGateway {
  readonly disconnects: Disconnect[] = [];
  handleDisconnect(client: EnvelopeSocket, reason: string): void {
    this.disconnects.push([reason, client.closed]);
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

@WebSocketGateway({ path: '/refusing' })
class RefusingGateway {
  readonly calls: string[] = [];
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    if (client.handshake.query['when'] === 'later') await new Promise((resolve) => setImmediate(resolve));
    client.emit('refused');
    client.disconnect();
    this.calls.push(`connected: ${client.connected}`);
  }
  handleDisconnect(client: EnvelopeSocket, reason: string): void {
    this.calls.push(reason, `rooms: ${client.rooms.size}`);
  }
  @SubscribeMessage('note')
  note(): void {
    this.calls.push('handled');
  }
}

@WebSocketGateway({ path: '/failing' })
class FailingGateway {
  calls = 0;
  handleDisconnect(client: EnvelopeSocket): Promise<void> | void {
    this.calls++;
    if (client.handshake.query['how'] === 'throws') throw new Error('thrown in the hook');
    return Promise.reject(new Error('rejected in the hook'));
  }
}
@WebSocketGateway({ path: '/failing' })
class SucceedingGateway {
  calls = 0;
  handleDisconnect(): void {
    this.calls++;
  }
}

@WebSocketGateway({ path: '/endless' })
class EndlessGateway {
  disconnects = 0;
  handleConnection(): Promise<void> {
    return new Promise(() => undefined);
  }
  handleDisconnect(): void {
    this.disconnects++;
  }
}

@WebSocketGateway({ path: '/slow' })
class SlowDisconnectGateway {
  readonly gate = deferred<void>();
  finished = false;
  async handleDisconnect(): Promise<void> {
    await this.gate.promise;
    this.finished = true;
  }
}

expectNoUnhandledErrors();

describe('handleDisconnect', () => {
  const disconnectBy = async (
    act: (client: Awaited<ReturnType<typeof open>>['client']) => void,
  ): Promise<Disconnect> => {
    const { gateway, client } = await open();
    act(client);
    await until('handleDisconnect', () => gateway.disconnects.length > 0);
    await client.ended();
    expect(gateway.disconnects).toHaveLength(1);
    return gateway.disconnects[0]!;
  };
  const open = async (autoPong = true) => {
    const app = await startApp({ providers: [DisconnectGateway] });
    return { app, gateway: app.nest.get(DisconnectGateway), client: await app.connect('/', { autoPong }) };
  };

  it.each<[string, Parameters<typeof disconnectBy>[0], string, number, boolean, string, string]>([
    [
      'close code 1000',
      (c) => c.close(1000, 'bye'),
      'client namespace disconnect',
      1000,
      true,
      'client',
      'bye',
    ],
    ['a close without a code', (c) => c.close(), 'client namespace disconnect', 1005, true, 'client', ''],
    ['close code 4001', (c) => c.close(4001), 'transport close', 4001, true, 'client', ''],
    ['a terminated connection', (c) => c.ws.terminate(), 'transport close', 1006, false, 'network', ''],
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
    ['a message over maxPayload', (c) => c.send('x'.repeat(1_001)), 'parse error', 1009, false, 'server', ''],
    [
      'an invalid frame',
      (c) => rawSocketOf(c.ws).write(Buffer.from([0xff, 0x80, 0, 0, 0, 0])),
      'parse error',
      1002,
      false,
      'server',
      '',
    ],
  ])(
    'receives the reason and the close details for %s',
    async (_, act, expectedReason, code, wasClean, initiator, reason) => {
      expect(await disconnectBy(act)).toEqual([expectedReason, { code, wasClean, initiator, reason }]);
    },
  );

  it('receives "ping timeout" when the client sends no pong', async () => {
    const { gateway } = await open(false);
    await until('handleDisconnect', () => gateway.disconnects.length > 0);
    expect(gateway.disconnects).toEqual([
      ['ping timeout', { code: 1006, reason: '', wasClean: false, initiator: 'network' }],
    ]);
  });

  it('receives "server shutting down" when the application closes', async () => {
    const { app, gateway, client } = await open();
    await app.nest.close();
    expect(await client.ended()).toEqual({ code: 1001, reason: 'server shutting down' });
    expect(gateway.disconnects).toEqual([
      [
        'server shutting down',
        { code: 1001, reason: 'server shutting down', wasClean: true, initiator: 'server' },
      ],
    ]);
  });

  it.each(['at once', 'later'])('runs when handleConnection disconnects the client, %s', async (when) => {
    const app = await startApp({ providers: [RefusingGateway] });
    const gateway = app.nest.get(RefusingGateway);
    const client = await app.connect(`/refusing?when=${encodeURIComponent(when)}`);
    if (client.ws.readyState === client.ws.OPEN) client.send({ event: 'note', id: 1 });
    expect((await client.ended()).code).toBe(1000);
    expect(client.frames).toEqual([{ event: 'refused' }]);
    await until('both hooks', () => gateway.calls.length === 3);
    const disconnects = ['server namespace disconnect', 'rooms: 0'];
    expect(new Set(gateway.calls)).toEqual(new Set(['connected: false', ...disconnects]));
  });

  it.each(['throws', 'rejects'])(
    'is logged if it %s, and does not affect other gateways or clients',
    async (how) => {
      const app = await startApp({ providers: [FailingGateway, SucceedingGateway] });
      const [failing, succeeding] = [app.nest.get(FailingGateway), app.nest.get(SucceedingGateway)];
      (await app.connect(`/failing?how=${how}`)).close();
      await until(
        'both gateways',
        () => failing.calls + succeeding.calls === 2 && app.log.of('error').length > 0,
      );
      expect(app.log.of('error')).toEqual([
        expect.stringMatching(/\/failing: handleDisconnect threw: .*in the hook/),
      ]);
      // The next client is served.
      const next = await app.connect(`/failing?how=${how}`);
      await next.settled();
      next.close();
      await until('both gateways', () => failing.calls + succeeding.calls === 4);
    },
  );

  it('finishes before the application has closed', async () => {
    const app = await startApp({ providers: [SlowDisconnectGateway] });
    const gateway = app.nest.get(SlowDisconnectGateway);
    const client = await app.connect('/slow');
    const closed = app.nest.close().then(() => gateway.finished);
    await client.ended();
    gateway.gate.resolve();
    expect(await closed).toBe(true);
  });

  it('leaves no timer if handleConnection never settles', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const app = await startApp({ providers: [EndlessGateway] });
    const gateway = app.nest.get(EndlessGateway);
    const before = timers();
    const clients = await Promise.all(Array.from({ length: 20 }, () => app.connect('/endless')));
    for (const client of clients) client.ws.terminate();
    await until('handleDisconnect', () => gateway.disconnects === 20);
    await until('all timers are cleared', () => timers() <= before);
  });
});

/** Returns the TCP socket of a client, to write bytes that no WebSocket library sends. */
function rawSocketOf(ws: object): { write(bytes: Buffer): void } {
  return Reflect.get(ws, '_socket') as { write(bytes: Buffer): void };
}
