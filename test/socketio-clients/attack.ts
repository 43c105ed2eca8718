import type { Server } from 'node:http';
import type { Type } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { EnvelopeOptions, EnvelopeServer } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { until } from '../support/wait.js';
import { IoClient } from './io-client.js';
import { PollingClient, SocketClient } from './raw-engine.js';

/** What attackers reach: an echo, and a list of what arrived. */
export class AttackedGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly received: unknown[] = [];

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('note')
  note(@MessageBody() data: unknown): void {
    this.received.push(data);
  }
}

@WebSocketGateway({ path: '/' })
export class RootGateway extends AttackedGateway {}

@WebSocketGateway({ path: '/chat' })
export class ChatGateway extends AttackedGateway {}

@WebSocketGateway({ path: '/rooms/:id' })
export class RoomsGateway extends AttackedGateway {}

export interface AttackOptions {
  adapter?: EnvelopeOptions;
  /** The options of `socketIO()`. */
  transport?: object;
  gateways?: Type[];
}

/** A server under attack, and two clients that take no part in it: one of Socket.IO, and a bare one. */
export class IoAttack {
  private readonly attackers: (PollingClient | SocketClient)[] = [];

  private constructor(
    readonly app: TestApp,
    private readonly witness: IoClient,
    private readonly bare: TestClient,
  ) {}

  static async start({ adapter, transport, gateways = [] }: AttackOptions = {}): Promise<IoAttack> {
    const entry: string = '../../lib/socketio/index.js';
    const { socketIO } = (await import(entry)) as { socketIO: (options?: object) => unknown };
    const options = { ...adapter, transports: [socketIO(transport)] } as EnvelopeOptions;
    const providers = [RootGateway, ChatGateway, RoomsGateway, ...gateways];
    const app = await startApp({ providers }, { adapter: options });
    const witness = new IoClient(`http://127.0.0.1:${app.port}/`);
    await witness.connected();
    return new IoAttack(app, witness, await app.connect('/'));
  }

  get port(): number {
    return this.app.port;
  }

  /** Resolves with the number of TCP connections, of which the two clients that take no part have two. */
  openConnections(): Promise<number> {
    const http = this.app.nest.getHttpServer() as Server;
    return new Promise((resolve, reject) =>
      http.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  }

  get root(): RootGateway {
    return this.app.nest.get(RootGateway);
  }

  get chat(): ChatGateway {
    return this.app.nest.get(ChatGateway);
  }

  /** A client over HTTP long polling. */
  readonly polling = async (headers?: Record<string, string>): Promise<PollingClient> => {
    const client = await PollingClient.open(this.port, headers);
    this.attackers.push(client);
    return client;
  };

  /** A client over a WebSocket. */
  readonly socket = async (headers?: Record<string, string>): Promise<SocketClient> => {
    const client = await SocketClient.open(this.port, headers);
    this.attackers.push(client);
    return client;
  };

  /** Drops the references to attackers that have left, so that they can be collected. */
  forget(): void {
    this.attackers.length = 0;
  }

  /** Expects answers to both clients during the attack. */
  readonly expectServed = async (): Promise<void> => {
    const token = `${Math.random()}`;
    expect(await this.witness.ask('echo', token)).toEqual([token]);
    expect(await this.bare.ask('echo', token)).toMatchObject({ data: token });
  };

  /** Resolves when nothing is left of all clients but the two. Attackers must have ended their connections. */
  async expectAlone(): Promise<void> {
    let now = {};
    const alone = { ...NO_RESOURCES, connections: 2, addresses: 1, sockets: 2, rooms: 2, sids: 2 };
    await until('the attackers to be forgotten', () => {
      now = countResources(this.app);
      return JSON.stringify(now) === JSON.stringify(alone);
    }).catch(() => expect(now).toEqual(alone));
  }

  /** Expects that the server serves both clients, and keeps nothing after they have left. */
  async finish(): Promise<void> {
    await this.expectServed();
    expect(this.witness.of('exception')).toEqual([]);
    await Promise.all(this.attackers.map((attacker) => attacker.leave()));
    await this.expectAlone();
    this.witness.destroy();
    this.bare.ws.terminate();
    await until('all connections to close', () => countResources(this.app)['sockets'] === 0);
  }
}

/** Returns a test function that runs an attack, and then expects that the server has survived it. */
export function survives(attack: (harness: IoAttack) => Promise<void>, options?: AttackOptions) {
  return async (): Promise<void> => {
    const harness = await IoAttack.start(options);
    await attack(harness);
    await harness.finish();
  };
}
