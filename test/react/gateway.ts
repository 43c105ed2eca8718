import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, Signal } from '../../lib/index.js';
import type { PresenceChange, PresenceMember } from '../../lib/react/index.js';

export interface Item {
  id: number;
  version: number;
}

export interface Listens {
  changed: (item: Item) => void;
  said: (text: string) => void;
  'where are you?': (answer: (place: string) => void) => void;
  'presence.changed': (change: PresenceChange<{ status: string }>) => void;
}

export interface Emits {
  enter: (
    where: { id: number; after?: string },
    answer: (joined: { complete: boolean; replayed: number }) => void,
  ) => void;
  exit: (where: { id: number; after?: string }) => void;
  watch: (which: { id: number }, answer: (item: Item) => void) => void;
  unwatch: (which: { id: number }) => void;
  find: (which: { id: number }, answer: (item: Item) => void) => void;
  ticks: (count: number, value: (tick: number) => void) => void;
  forever: (value: (tick: number) => void) => void;
  'presence.watch': (
    where: { room: string },
    answer: (members: PresenceMember<{ status: string }>[]) => void,
  ) => void;
  'presence.unwatch': (where: { room: string }) => void;
  status: (status: string, answer: (done: boolean) => void) => void;
}

/** Records what arrives, in order. */
@WebSocketGateway({ path: '/page' })
export class PageGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly clients: EnvelopeSocket[] = [];
  readonly log: string[] = [];
  readonly refused = new Set<number>();
  /** Handlers wait for it, after they read the version. */
  gate: Promise<void> = Promise.resolve();
  version = 1;
  readers = 0;

  afterInit(server: EnvelopeServer): void {
    server.presence.shareStates(/^board:/, { every: 5 });
    const tell = (change: PresenceChange): unknown =>
      server.to(change.room).local.emit('presence.changed', change);
    for (const name of ['join', 'update'] as const)
      server.presence.on(name, ({ room, key, meta }) => tell({ room, [name]: [{ key, metas: [meta] }] }));
    server.presence.on('leave', ({ room, key }) => tell({ room, leave: [key] }));
  }

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
  }

  get last(): EnvelopeSocket {
    return this.clients.at(-1)!;
  }
  /** Emits a new version to those who watch. */
  change(id: number): void {
    this.version++;
    this.server.to(`item:${id}`).emit('changed', { id, version: this.version });
  }

  @SubscribeMessage('enter')
  enter(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody() { id, after }: { id: number; after?: string },
  ) {
    this.log.push(`enter ${id}${after === undefined ? '' : ' again'}`);
    if (this.refused.has(id)) throw new WsException('not yours');
    return client.join(`chat:${id}`, { after, rewind: 3 });
  }
  @SubscribeMessage('exit')
  async exit(@ConnectedSocket() client: EnvelopeSocket, @MessageBody('id') id: number): Promise<void> {
    this.log.push(`exit ${id}`);
    await client.leave(`chat:${id}`);
  }

  @SubscribeMessage('watch')
  async watch(@ConnectedSocket() client: EnvelopeSocket, @MessageBody('id') id: number): Promise<Item> {
    this.log.push(`watch ${id}`);
    if (this.refused.has(id)) throw new WsException('not yours');
    await client.join(`item:${id}`);
    return this.read(id);
  }
  @SubscribeMessage('unwatch')
  async unwatch(@ConnectedSocket() client: EnvelopeSocket, @MessageBody('id') id: number): Promise<void> {
    this.log.push(`unwatch ${id}`);
    await client.leave(`item:${id}`);
  }
  @SubscribeMessage('find')
  async find(@MessageBody('id') id: number, @Signal() signal: AbortSignal): Promise<Item> {
    this.log.push(`find ${id}`);
    signal.addEventListener('abort', () => this.log.push(`cancelled ${id}`));
    if (this.refused.has(id)) throw new WsException('not yours');
    return this.read(id);
  }
  private async read(id: number): Promise<Item> {
    const { version } = this;
    await this.gate;
    return { id, version };
  }

  @SubscribeMessage('ticks')
  *ticks(@MessageBody() count: number): Generator<number> {
    this.log.push(`ticks ${count}`);
    for (let tick = 1; tick <= count; tick++) yield tick;
    if (count > 99) throw new WsException('too many');
  }
  @SubscribeMessage('forever')
  async *forever(): AsyncGenerator<number> {
    this.readers++;
    try {
      for (let tick = 1; ; tick++) {
        yield tick;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } finally {
      this.readers--;
    }
  }

  @SubscribeMessage('presence.watch')
  async watchPresence(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody('room') room: string,
  ): Promise<object[]> {
    this.log.push(`presence ${room}`);
    this.track(client, 'here');
    await client.join(room);
    return this.server.presence.list(room);
  }
  @SubscribeMessage('presence.unwatch')
  async unwatchPresence(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody('room') room: string,
  ): Promise<void> {
    this.log.push(`no presence ${room}`);
    await client.leave(room);
  }
  @SubscribeMessage('status')
  status(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() status: string): boolean {
    this.track(client, status);
    return true;
  }
  private track(client: EnvelopeSocket, status: string): void {
    this.server.presence.track(client, `user ${this.clients.indexOf(client)}`, { status });
  }
}
