import type { Type } from '@nestjs/common';
import type { EnvelopeOptions, EnvelopeServer } from '../../lib/index.js';
import { startApp, type TestApp } from './app.js';
import { TestClient, type ConnectOptions } from './client.js';
import { RawClient } from './raw-client.js';
import { until } from './wait.js';

/** A server under attack, and a probe: a client that takes no part in the attack. */
export class AttackHarness<Gateway> {
  private readonly attackers: (TestClient | RawClient)[] = [];

  private constructor(
    readonly app: TestApp,
    readonly gateway: Gateway,
    readonly server: EnvelopeServer,
    private readonly path: string,
    private readonly probe: TestClient,
  ) {}

  /**
   * @param gateways the first must have the path `/ws` and answer `echo`. Pings are off, so that raw clients receive
   * none.
   */
  static async of<Gateway>(
    gateways: Type<Gateway> | [Type<Gateway>, ...Type[]],
    adapter: EnvelopeOptions = {},
  ): Promise<AttackHarness<Gateway>> {
    const providers = Array.isArray(gateways) ? gateways : [gateways];
    const gateway = providers[0] as Type<Gateway>;
    const app = await startApp({ providers }, { adapter: { pingInterval: 0, ...adapter } });
    const server = app.adapter.create(0, { path: '/ws' });
    const probe = await app.connect('/ws');
    return new AttackHarness(app, app.nest.get(gateway), server, '/ws', probe);
  }

  /** Connects an attacker with a WebSocket client. */
  readonly attacker = async (options?: ConnectOptions): Promise<TestClient> => {
    const client = await this.app.connect(this.path, options);
    this.attackers.push(client);
    return client;
  };

  /** Connects an attacker that writes raw frames to a TCP connection. */
  readonly raw = async (headers?: Record<string, string>): Promise<RawClient> => {
    const client = await RawClient.connect(this.app.port, this.path, headers);
    this.attackers.push(client);
    return client;
  };

  /** Drops the references to attackers that have disconnected, so that they can be collected. */
  forgetAttackers(): void {
    this.attackers.length = 0;
  }

  /** Expects a response to the probe's request during the attack. */
  readonly expectServed = async (): Promise<void> => {
    const token = `${Math.random()}`;
    expect(await this.probe.ask('echo', token)).toMatchObject({ event: 'echo', data: token });
  };

  /**
   * Expects that the server still answers the probe, and keeps nothing after all clients have disconnected.
   *
   * @param allowedEvents other events that the probe may have received
   */
  async expectSurvival(allowedEvents: readonly string[] = []): Promise<void> {
    await this.expectServed();
    const unexpected = this.probe.frames.filter(
      ({ event = '' }) => event !== 'echo' && !allowedEvents.includes(event),
    );
    expect(unexpected).toEqual([]);
    for (const client of [...this.attackers, this.probe]) {
      if (client instanceof RawClient) client.tcp.destroy();
      else client.ws.terminate();
    }
    await until('all connections to close', () => this.server.sockets.size === 0);
    expect(this.server.adapter.rooms.size).toBe(0);
    expect(this.server.adapter.sids.size).toBe(0);
    expect(this.server.engine.clientsCount).toBe(0);
  }
}

/** Returns a test function that runs an attack and then expects the server to have survived it. */
export function underAttack<Gateway>(
  gateway: Type<Gateway> | [Type<Gateway>, ...Type[]],
  adapter: EnvelopeOptions = {},
) {
  return (
      attack: (harness: AttackHarness<Gateway>) => Promise<void>,
      allowedEvents: readonly string[] = [],
    ) =>
    async (): Promise<void> => {
      const harness = await AttackHarness.of(gateway, adapter);
      await attack(harness);
      await harness.expectSurvival(allowedEvents);
    };
}
