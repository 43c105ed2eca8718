import 'reflect-metadata';
import { openSync, writeSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { IoAdapter } from '@nestjs/platform-socket.io';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import type { Server, Socket } from 'socket.io';
import { serveCommands, settings } from '../support/child/program.js';
import type { Heard, Line, NodeSettings, Send } from './envelope-node.js';
import { now } from './subject.js';
import { connectToRedis } from './redis-client.js';

/*
 * A node of Nest with Socket.IO, as the documentation of both recommends it: connection state recovery, with Redis streams, so
 * that any node recovers a session. Rooms of a client that was not recovered are joined again when it connects, and each client
 * gets a first event, without which it had no offset and could not be recovered. Handlers do not recognise messages that they
 * have handled.
 */
const { name, url, ledger, library } = settings<SocketIoSettings>();

/** The settings of one node. */
export type SocketIoSettings = Pick<NodeSettings, 'name' | 'url' | 'ledger' | 'library'>;
const file = openSync(ledger, 'a');
/** Written at once, so that a kill does not lose what has happened. */
const write = (line: Line): void => void writeSync(file, `${JSON.stringify(line)}\n`);

@WebSocketGateway({
  connectionStateRecovery: { maxDisconnectionDuration: 120_000 },
  pingInterval: 1_000,
  pingTimeout: 1_000,
})
class Gateway {
  @WebSocketServer() server!: Server;
  private number = 0;

  async handleConnection(client: Socket): Promise<void> {
    const { rooms } = client.handshake.auth as { rooms: string[] };
    if (!client.recovered) await client.join(rooms);
    client.emit('hello');
  }

  @SubscribeMessage('enter')
  async enter(@ConnectedSocket() client: Socket, @MessageBody() room: string): Promise<boolean> {
    await client.join(room);
    return true;
  }

  @SubscribeMessage('leave')
  async leave(@ConnectedSocket() client: Socket, @MessageBody() room: string): Promise<boolean> {
    await client.leave(room);
    return true;
  }

  @SubscribeMessage('send')
  async send(@MessageBody() { room, id, work, fill }: Send): Promise<string> {
    // its `retries` have no key: the model expects the same one each time
    write({ did: 'handled', room, id, key: 'none', at: now() });
    if (work > 0) await pause(work);
    this.say(room, fill, id);
    return id;
  }

  say(room: string, fill: string, of?: string): void {
    const number = ++this.number;
    write({ did: 'said', room, number, at: now(), ...(of !== undefined && { of }) });
    this.server.to(room).emit('said', { room, node: name, number, fill } satisfies Heard);
  }
}

const redis = (): Promise<object> => connectToRedis(url, library);

/** The probes that came back from the broker. */
const seen = new Set<string>();
let gateway: Gateway | undefined;
// until the application listens: the channel to the parent does not keep the process alive
setInterval(() => undefined, 60_000);

serveCommands({
  /** Starts the application. @returns the port */
  boot: async (): Promise<number> => {
    const adapter = createAdapter(await redis(), { blockTimeInMs: 200 });
    class StreamsAdapter extends IoAdapter {
      override createIOServer(...args: Parameters<IoAdapter['createIOServer']>) {
        return super.createIOServer(...args).adapter(adapter as never);
      }
    }
    class Root {}
    Module({ providers: [Gateway] })(Root);
    const http = process.env['HTTP_PLATFORM'] === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const nest = await NestFactory.create(Root, http, { logger: ['warn', 'error', 'fatal'] });
    nest.useWebSocketAdapter(new StreamsAdapter(nest));
    await nest.listen(0, '127.0.0.1');
    gateway = nest.get(Gateway);
    watch(gateway!.server.of('/').adapter as unknown as Watched);
    return (nest.getHttpServer().address() as AddressInfo).port;
  },
  say: (room: string, count: number, bytes: number): void => {
    const fill = 'x'.repeat(bytes);
    for (let i = 0; i < count; i++) gateway!.say(room, fill);
  },
  /** Sends a probe to all nodes. */
  probe: (token: string): void => void gateway!.server.to('probes').emit('probe', token),
  seen: (): string[] => [...seen],
});

interface Watched {
  onMessage(message: { data?: { packet?: { data?: unknown[] } } }, offset?: string): void;
}

/** Notes the probes that this node reads from the broker, its own included. */
function watch(adapter: Watched): void {
  const { onMessage } = adapter;
  adapter.onMessage = (message, offset) => {
    const [event, token] = message.data?.packet?.data ?? [];
    if (event === 'probe') seen.add(String(token));
    Reflect.apply(onMessage, adapter, [message, offset]);
  };
}
