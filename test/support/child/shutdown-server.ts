import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Res, UseGuards, type CanActivate } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { interval, type Observable } from 'rxjs';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../../lib/index.js';
import { boot } from './boot.js';
import { serveCommands, settings, emitToParent } from './program.js';

/** How a client disconnected. */
export interface Disconnection {
  path: string;
  reason: string;
  code: number;
}

function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

const work = gate();
const page = gate();

class PendingGuard implements CanActivate {
  async canActivate(): Promise<boolean> {
    await emitToParent('guarding');
    return new Promise(() => undefined);
  }
}

abstract class ObservedGateway {
  @WebSocketServer() server!: EnvelopeServer;

  /** Slow on purpose: without an `await` on it, the process would end before the event is sent. */
  async handleDisconnect({ closed, nsp }: EnvelopeSocket, reason: string): Promise<void> {
    const at = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await emitToParent('leftAt', at);
    await emitToParent('left', { path: nsp.name, reason, code: closed!.code } satisfies Disconnection);
  }
}

@WebSocketGateway({ path: '/ws' })
class WorkGateway extends ObservedGateway {
  /** Sends a request to its client and a broadcast while the server shuts down. */
  @SubscribeMessage('work')
  async work(@ConnectedSocket() client: EnvelopeSocket): Promise<unknown> {
    await emitToParent('working');
    await work.opened;
    const confirmed: unknown = await client.emitWithAck('confirm');
    this.server.emit('news', confirmed);
    return confirmed;
  }
  @SubscribeMessage('hang')
  async hang(): Promise<never> {
    await emitToParent('working');
    return new Promise(() => undefined);
  }
  @SubscribeMessage('ticks')
  ticks(): Observable<number> {
    return interval(20);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
}

@WebSocketGateway({ path: '/other' })
class OtherGateway extends ObservedGateway {}

@UseGuards(PendingGuard)
@WebSocketGateway({ path: '/guarded' })
class GuardedGateway extends ObservedGateway {}

@Controller()
class PagesController {
  @Get('long')
  async long(@Res() response: ServerResponse<IncomingMessage> & { raw?: ServerResponse; hijack?(): void }) {
    // a reply of Fastify wraps Node's response
    response.hijack?.();
    const raw = response.raw ?? response;
    // the HTTP server would wait for a keep-alive connection
    raw.setHeader('Connection', 'close');
    raw.write('the beginning, ');
    await page.opened;
    raw.end('the end');
  }
}

const gateways = [WorkGateway, OtherGateway, GuardedGateway, PendingGuard];
const { nest, port } = await boot(
  { providers: gateways, controllers: [PagesController] },
  settings<EnvelopeOptions>(),
);

serveCommands({
  port: () => port,
  release: () => work.open(),
  releasePage: () => page.open(),
  close: () => nest.close(),
  closeTwice: async () => {
    await Promise.all([nest.close(), nest.close()]);
    await nest.close();
  },
  closeOther: () => nest.get(OtherGateway).server.close(),
});
