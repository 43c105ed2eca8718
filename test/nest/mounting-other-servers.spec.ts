import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { Controller, Get } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeAdapter, EnvelopeServer, EnvelopeSocket, type GatewayOptions } from '../../lib/index.js';
import { RecordingLogger, startApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';

@WebSocketGateway({ path: '/ws' })
class ChatGateway {
  @WebSocketServer() server!: EnvelopeServer;
  handleConnection(): void {}
  handleDisconnect(): void {}
  @SubscribeMessage('one')
  one(): string {
    return 'chat';
  }
  @SubscribeMessage('two')
  two(): void {}
  @SubscribeMessage('three')
  three(): void {}
  @SubscribeMessage('shared')
  shared(client: EnvelopeSocket): void {
    client.emit('chat ran');
  }
}

@WebSocketGateway({ path: 'ws/' })
class NewsGateway {
  @SubscribeMessage('shared')
  shared(client: EnvelopeSocket): string {
    client.emit('news ran');
    return 'news';
  }
}

@Controller()
class PageController {
  @Get('page')
  page(): string {
    return 'page';
  }
  @Get('ws')
  ws(): string {
    return 'plain HTTP';
  }
}

/** Returns an upgrade listener of another protocol on the same server. */
function otherProtocol(path: string) {
  return (request: { url?: string }, socket: Duplex): void => {
    if (request.url === path) socket.end('HTTP/1.1 101 Switching Protocols\r\nX-By: other\r\n\r\n');
  };
}

expectNoUnhandledErrors();

describe('next to other handlers on the same HTTP server', () => {
  it('leaves routes of the application unchanged', async () => {
    const app = await startApp({ controllers: [PageController], providers: [ChatGateway] });
    for (const [path, text] of [
      ['page', 'page'],
      ['ws', 'plain HTTP'],
    ]) {
      expect(await (await fetch(`http://127.0.0.1:${app.port}/${path}`)).text()).toBe(text);
    }
  });

  it('leaves upgrades to other listeners, regardless of the order of registration', async () => {
    const app = await startApp(
      { providers: [ChatGateway] },
      { before: (nest) => nest.getHttpServer().on('upgrade', otherProtocol('/graphql')) },
    );
    app.nest.getHttpServer().on('upgrade', otherProtocol('/reload'));
    for (const path of ['/graphql', '/reload']) {
      expect((await requestUpgrade(app.port, path)).headers['x-by']).toBe('other');
    }
    const client = await app.connect('/ws');
    expect((await client.ask('one')).data).toBe('chat');
    await app.nest.close();
    // The two listeners of the other protocol remain.
    expect(app.nest.getHttpServer().listenerCount('upgrade')).toBe(2);
  });

  it('runs both handlers of an event that two gateways of a path handle, and logs a warning', async () => {
    const app = await startApp({ providers: [ChatGateway, NewsGateway] });
    const client = await app.connect('/ws');
    expect(await client.ask('shared', undefined, 1)).toEqual({ event: 'shared', data: 'news', ack: 1 });
    await client.settled();
    const events = client.frames.map(({ event }) => event);
    expect(events.filter((event) => event === 'chat ran' || event === 'news ran')).toHaveLength(2);
    expect(client.frames.filter(({ ack }) => ack === 1)).toHaveLength(1);
    expect(app.log.of('warn')).toEqual([
      expect.stringMatching(/"shared" on \/ws .*\bChatGateway and NewsGateway\b/),
    ]);
  });

  it('logs no warning for one event on two paths', async () => {
    @WebSocketGateway({ path: '/other' })
    class OtherGateway extends NewsGateway {}
    const app = await startApp({ providers: [ChatGateway, OtherGateway] });
    expect(app.log.of('warn')).toEqual([]);
  });

  it('logs at startup which gateway is mounted on which path', async () => {
    @WebSocketGateway({ path: '/ws', namespace: 'one' })
    class OneGateway {
      handleConnection = (): void => undefined;
      @SubscribeMessage('x')
      x(): void {}
    }
    @WebSocketGateway({ namespace: /^\/r\d$/ })
    class EmptyGateway {}
    const app = await startApp({ providers: [ChatGateway, NewsGateway, OneGateway, EmptyGateway] });
    const lines = app.log.of('log').filter((line) => /^(GET|bound)/.test(line));
    expect(lines.sort()).toEqual([
      'GET /<r\\d> -> EmptyGateway (0 messages, 0 lifecycle hooks)',
      'GET /ws -> ChatGateway (4 messages, 2 lifecycle hooks)',
      'GET /ws -> NewsGateway (1 message, 0 lifecycle hooks)',
      'GET /ws/one -> OneGateway (1 message, 1 lifecycle hook)',
      `bound 4 gateways on 127.0.0.1:${app.port}`,
    ]);
  });
});

describe('the adapter', () => {
  it('throws when it is created after the application was initialised', async () => {
    const app = await startApp({ providers: [ChatGateway] });
    expect(() => new EnvelopeAdapter(app.nest)).toThrow(/before app\.init\(\) and app\.listen\(\)/);
    expect((await (await app.connect('/ws')).ask('one')).data).toBe('chat');
  });

  it('accepts an HTTP server', async () => {
    const http = createServer();
    const log = new RecordingLogger();
    const module = await Test.createTestingModule({ providers: [ChatGateway] })
      .setLogger(log)
      .compile();
    const app = module.createNestApplication({ logger: log });
    app.useWebSocketAdapter(new EnvelopeAdapter(http, { upgradeGuards: false }));
    await app.init();
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const { port } = http.address() as { port: number };
    try {
      const answer = await requestUpgrade(port, '/ws');
      expect(answer.status).toBe(101);
    } finally {
      await app.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    }
  });

  describe('messageParser', () => {
    const parseWords = (data: { toString(): string }) => {
      const [event = '', ...rest] = data.toString().split(' ');
      return event === '#' ? undefined : { event, data: rest.join(' ') };
    };
    @WebSocketGateway()
    class EchoGateway {
      @SubscribeMessage('echo')
      echo(_: EnvelopeSocket, data: unknown): unknown {
        return data;
      }
    }

    it('reads messages in another format through an adapter option', async () => {
      const app = await startApp({ providers: [EchoGateway] }, { adapter: { messageParser: parseWords } });
      const client = await app.connect();
      client.send('# a comment is dropped silently');
      client.send('echo hello there');
      expect(await client.next('echo')).toEqual({ event: 'echo', data: 'hello there' });
      expect(client.frames).toHaveLength(1);
    });

    it('drops all messages for a gateway that reads them from client.ws', async () => {
      @WebSocketGateway({ path: '/raw', messageParser: () => undefined })
      class RawGateway {
        handleConnection(client: EnvelopeSocket): void {
          client.ws.on('message', (raw) => client.emit('read', String(raw)));
        }
      }
      const app = await startApp({ providers: [RawGateway] });
      const client = await app.connect('/raw');
      const sent = [...Array.from({ length: 12 }, (_, index) => `not JSON ${index}`), '{"event":"unknown"}'];
      for (const text of sent) client.send(text);
      for (const text of sent) expect((await client.next('read')).data).toBe(text);
      expect(client.frames).toHaveLength(sent.length);
    });

    it('reads messages in another format through setMessageParser', async () => {
      const log = new RecordingLogger();
      const module = await Test.createTestingModule({ providers: [EchoGateway] })
        .setLogger(log)
        .compile();
      const nest = module.createNestApplication({ logger: log });
      const adapter = new EnvelopeAdapter(nest);
      adapter.setMessageParser(parseWords);
      nest.useWebSocketAdapter(adapter);
      await nest.listen(0, '127.0.0.1');
      try {
        const client = new TestClient((await nest.getUrl()).replace('http', 'ws'));
        await client.opened();
        client.send('echo hello');
        expect(await client.next('echo')).toEqual({ event: 'echo', data: 'hello' });
        client.ws.terminate();
      } finally {
        await nest.close();
      }
    });

    it('logs an error of the parser, reports it to the client, and reads the next message', async () => {
      const messageParser = (data: { toString(): string }) => {
        if (String(data) === 'bad') throw new Error('secret');
        return parseWords(data);
      };
      const app = await startApp({ providers: [EchoGateway] }, { adapter: { messageParser } });
      const client = await app.connect();
      client.send('bad');
      client.send('echo x');
      expect(await client.next('exception')).toMatchObject({ data: { status: 'error', code: 'bad_frame' } });
      expect((await client.next('echo')).data).toBe('x');
      expect(app.log.of('error')).toEqual([expect.stringMatching(/messageParser threw: .*secret/)]);
    });
  });

  it('logs one warning for each option that has no effect', async () => {
    const options = {
      transports: ['polling', 'websocket'],
      allowEIO3: true,
      cookie: 'io',
      serveClient: false,
    };
    const type = (path: string) => {
      class SocketioGateway {}
      WebSocketGateway({ path, ...options } as GatewayOptions)(SocketioGateway);
      return SocketioGateway;
    };
    const app = await startApp({ providers: [type('/a'), type('/b')] });
    const ignored = (name: string) =>
      `The option "${name}" has no effect over a plain WebSocket and is ignored`;
    expect(app.log.of('warn').sort()).toEqual(['allowEIO3', 'cookie', 'transports'].map(ignored));
  });

  it('logs no warning for options that have an effect', async () => {
    class HonouredGateway {}
    WebSocketGateway({
      transports: ['websocket'],
      pingInterval: 1_000,
      cors: { origin: true },
    } as GatewayOptions)(HonouredGateway);
    expect((await startApp({ providers: [HonouredGateway] })).log.of('warn')).toEqual([]);
  });
});
