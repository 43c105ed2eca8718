import type { Type } from '@nestjs/common';
import type { EnvelopeOptions, EnvelopeServer } from '../../lib/index.js';
import { startApp, type TestApp } from './app.js';
import { TestClient, type ConnectOptions } from './client.js';
import { RawClient } from './raw-client.js';
import { until } from './wait.js';

/** A server under attack, and a client that has nothing to do with it. */
export class AttackHarness<Gateway> {
  private readonly attackers: (TestClient | RawClient)[] = [];

  private constructor(
    readonly app: TestApp,
    readonly gateway: Gateway,
    readonly server: EnvelopeServer,
    private readonly path: string,
    private readonly probe: TestClient,
  ) {}

  /** @param gateways the first must be mounted on `/ws` and answer `echo`; no pings come among the frames of raw clients */
  static async of<Gateway>(
    gateways: Type<Gateway> | [Type<Gateway>, ...Type[]],
    adapter: EnvelopeOptions = {},
  ): Promise<AttackHarness<Gateway>> {
    const providers = Array.isArray(gateways) ? gateways : [gateways];
    const gateway = providers[0] as Type<Gateway>;
    const app = await startApp({ providers }, { adapter: { pingInterval: 0, ...adapter } });
    const server = app.adapter.create(0, { path: '/ws' });
    const witness = await app.connect('/ws');
    return new AttackHarness(app, app.nest.get(gateway), server, '/ws', witness);
  }

  /** An attacker that speaks WebSocket. */
  readonly attacker = async (options?: ConnectOptions): Promise<TestClient> => {
    const client = await this.app.connect(this.path, options);
    this.attackers.push(client);
    return client;
  };

  /** An attacker that speaks TCP. */
  readonly raw = async (headers?: Record<string, string>): Promise<RawClient> => {
    const client = await RawClient.connect(this.app.port, this.path, headers);
    this.attackers.push(client);
    return client;
  };

  /** Lets go of the attackers that have gone. */
  forgetAttackers(): void {
    this.attackers.length = 0;
  }

  /** The witness is served while the attack goes on. */
  readonly expectServed = async (): Promise<void> => {
    const token = `${Math.random()}`;
    expect(await this.probe.ask('echo', token)).toMatchObject({ event: 'echo', data: token });
  };

  /**
   * Another client is still served, and nothing is left once all clients have gone.
   *
   * @param meant events that the witness may have got
   */
  async expectSurvival(meant: readonly string[] = []): Promise<void> {
    await this.expectServed();
    const strange = this.probe.frames.filter(({ event = '' }) => event !== 'echo' && !meant.includes(event));
    expect(strange).toEqual([]);
    for (const client of [...this.attackers, this.probe]) {
      if (client instanceof RawClient) client.tcp.destroy();
      else client.ws.terminate();
    }
    await until('the end of all connections', () => this.server.sockets.size === 0);
    expect(this.server.adapter.rooms.size).toBe(0);
    expect(this.server.adapter.sids.size).toBe(0);
    expect(this.server.engine.clientsCount).toBe(0);
  }
}

/** `it`, against a harness that must be survived. */
export function underAttack<Gateway>(
  gateway: Type<Gateway> | [Type<Gateway>, ...Type[]],
  adapter: EnvelopeOptions = {},
) {
  return (attack: (harness: AttackHarness<Gateway>) => Promise<void>, meant: readonly string[] = []) =>
    async (): Promise<void> => {
      const harness = await AttackHarness.of(gateway, adapter);
      await attack(harness);
      await harness.expectSurvival(meant);
    };
}
