import type { IncomingMessage, Server } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { describeOurs, Settling, startIoApp } from './fixture.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

@WebSocketGateway()
class RequestsGateway extends Settling {
  /** The requests of the sockets, read from a private field. */
  readonly copies: WeakRef<IncomingMessage>[] = [];

  handleConnection(client: EnvelopeSocket): void {
    this.copies.push(new WeakRef(Reflect.get(client._upgrade, 'upgrade') as IncomingMessage));
  }

  @SubscribeMessage('header')
  header(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return [client.request.headers['x-custom'], client.request.headersDistinct['x-custom']];
  }
}

describeOurs('the request of a connected client of Socket.IO', () => {
  it.each(['websocket', 'upgraded'] as const)(
    'is released, and rebuilt on access (%s)',
    async (transport) => {
      const app = await startIoApp('ours', { providers: [RequestsGateway] });
      const requests: WeakRef<IncomingMessage>[] = [];
      const http = app.nest.getHttpServer() as Server;
      // listeners of the server do not see these requests
      const { emit } = http;
      http.emit = (event: string, ...args: unknown[]): boolean => {
        if (event === 'request' || event === 'upgrade')
          requests.push(new WeakRef(args[0] as IncomingMessage));
        return Reflect.apply(emit, http, [event, ...args]) as boolean;
      };
      const extraHeaders = { 'x-custom': 'yes' };
      const client = await app.connect('/', { transport, extraHeaders });
      await client.settled();
      const { copies } = app.nest.get(RequestsGateway);
      const kept = [...requests, ...copies];
      // Node and Nest keep the last ones of all
      await (await app.connect('/', { transport })).settled();
      for (let turn = 0; turn < 5; turn++) {
        // a WeakRef keeps its target alive until the end of the turn in which it was read
        await new Promise(setImmediate);
        collectGarbage();
      }
      expect(kept.length).toBeGreaterThan(1);
      expect(kept.map((request) => request.deref()?.url)).toEqual(kept.map(() => undefined));
      expect(await client.ask('header')).toEqual([['yes', ['yes']]]);
    },
  );
});
