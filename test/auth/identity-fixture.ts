import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { RecoveringClient } from '../recovery/recovery-client.js';
import { startApp, type TestApp } from '../support/app.js';
import { until } from '../support/wait.js';

export type Write = (client: EnvelopeSocket) => unknown;

/** What the guard and the hooks do in a test. */
export const script: {
  /** What the guard does for a client with this token. */
  tokens: Record<string, Write>;
  /** What `handleConnection` does. */
  atConnection: Write;
} = { tokens: {}, atConnection: () => undefined };
beforeEach(() => {
  script.tokens = {};
  script.atConnection = () => undefined;
});

export class TokenGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    if (context.switchToWs().getPattern() !== '$upgrade') return true;
    await Promise.resolve();
    await Promise.resolve(script.tokens[String(client.handshake.auth['token'])]?.(client));
    return true;
  }
}

@UseGuards(TokenGuard)
@WebSocketGateway({ path: '/ws' })
export class Gateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly disconnected: string[] = [];

  handleConnection(client: EnvelopeSocket): void {
    script.atConnection(client);
  }
  handleDisconnect(client: EnvelopeSocket): void {
    this.disconnected.push(client.id);
  }
  @SubscribeMessage('set')
  set(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: object): void {
    Object.assign(client.data, data);
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<void> {
    await client.join(room);
  }
}

export interface Stage {
  app: TestApp;
  server: EnvelopeServer;
  lost(client: RecoveringClient): Promise<void>;
  socketOf(client: RecoveringClient): EnvelopeSocket;
}

export async function start(options: EnvelopeOptions = {}): Promise<Stage> {
  const app = await startApp({ providers: [Gateway] }, { adapter: { recovery: true, ...options } });
  const gateway = app.nest.get(Gateway);
  return {
    app,
    server: gateway.server,
    lost: ({ hello }) => until('the end of the connection', () => gateway.disconnected.includes(hello.id)),
    socketOf: ({ hello }) => gateway.server.sockets.get(hello.id)!,
  };
}

/** Connects with the first token, uses a room and data, and reconnects with the second token. */
export async function reconnectAs(stage: Stage, first: string, second: string): Promise<RecoveringClient> {
  const client = await new RecoveringClient({ token: first }).connect(stage.app);
  await client.client.ask('join', 'red');
  await client.client.ask('set', { secret: first });
  await client.settled();
  await client.cut();
  await stage.lost(client);
  stage.server.to('red').emit('missed', first);
  return client.connect(stage.app, { token: second });
}

/** Expects a new session: nothing of the first client is left. */
export async function expectNewSession(stage: Stage, client: RecoveringClient): Promise<void> {
  expect(client.hello.recovered).toBe(false);
  expect(await client.settled()).not.toContain('missed');
  const socket = stage.socketOf(client);
  expect(socket.rooms.has('red')).toBe(false);
  expect(socket.data).not.toHaveProperty('secret');
}

/** Stores its text in a private field that only its methods can read. */
export class Hidden {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  get text(): string {
    return this.#text;
  }
}
export class Entity {
  constructor(private readonly key: string) {}
  get id(): string {
    return this.key;
  }
  toString(): string {
    return 'Entity';
  }
}
export const objectId = (hex: string): object => ({ toHexString: () => hex, toString: () => hex });
export const is =
  (value: unknown): Write =>
  (client) =>
    void (client.user = value);
