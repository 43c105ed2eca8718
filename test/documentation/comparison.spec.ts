import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import {
  BadRequestException,
  Injectable,
  Module,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { EnvelopeAdapter } from '../../lib/index.js';
import { deferred } from '../support/wait.js';

const ADAPTERS = {
  'nestjs-envelope': EnvelopeAdapter,
  '@nestjs/platform-ws': WsAdapter,
  'Socket.IO': IoAdapter,
};
type Name = keyof typeof ADAPTERS;
const NAMES = Object.keys(ADAPTERS) as Name[];

/** What arrives at a client: an event, or with `ack` the answer to its request. */
interface Reply {
  readonly event?: string;
  readonly data?: unknown;
  readonly ack?: unknown;
}

interface Member {
  join?: unknown;
  to?: unknown;
}

@Injectable()
class Refusal implements CanActivate {
  canActivate(): boolean {
    throw new UnauthorizedException();
  }
}

/** How many messages a client sends at once. */
const FLOOD = 2_000;

/** What `handleConnection` waits for. */
const slow = { end: deferred() };

@WebSocketGateway({ path: '/ws' })
class Gateway {
  private isReady = false;

  async handleConnection(): Promise<void> {
    await slow.end.promise;
    this.isReady = true;
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): object {
    return { event: 'echo', data };
  }

  @SubscribeMessage('ask')
  answer(): object {
    return { ok: true };
  }

  @SubscribeMessage('ready')
  ready(): object {
    slow.end.resolve();
    return { event: 'ready', data: this.isReady };
  }

  @SubscribeMessage('rooms')
  rooms(@ConnectedSocket() client: Member): object {
    return { event: 'rooms', data: typeof client.join === 'function' && typeof client.to === 'function' };
  }

  @SubscribeMessage('fails')
  fails(): void {
    throw new WsException('no');
  }

  @SubscribeMessage('refuses')
  refuses(): void {
    throw new BadRequestException('the text');
  }
}

@UseGuards(Refusal)
@WebSocketGateway({ path: '/guarded' })
class Guarded {
  @SubscribeMessage('echo')
  echo(): void {}
}

@Module({ providers: [Gateway, Guarded] })
class Gateways {}

/** One application with the same gateways, on one of the adapters. */
class Subject {
  private readonly closing: (() => void)[] = [];

  private constructor(
    readonly name: Name,
    readonly app: INestApplication,
  ) {}

  static async start(name: Name): Promise<Subject> {
    const app = await NestFactory.create(Gateways, {
      logger: false,
    });
    app.useWebSocketAdapter(new ADAPTERS[name](app));
    await app.listen(0, '127.0.0.1');
    return new Subject(name, app);
  }

  private get origin(): string {
    return `127.0.0.1:${(this.app.getHttpServer().address() as AddressInfo).port}`;
  }

  /** Opens a WebSocket. Resolves with it when it is open, and with the HTTP status of a refusal. */
  open(path: string, headers: Record<string, string> = {}): Promise<WebSocket | number> {
    const query = this.name === 'Socket.IO' ? '/?EIO=4&transport=websocket' : '';
    const socket = new WebSocket(`ws://${this.origin}${path}${query}`, { headers });
    this.closing.push(() => socket.terminate());
    socket.on('error', () => undefined);
    return new Promise((resolve) => {
      socket.on('open', () => resolve(socket));
      socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode!));
    });
  }

  /** Sends one request with the client that fits, and resolves with what arrives first. */
  async ask(event: string, data: unknown = null): Promise<Reply> {
    if (this.name === 'Socket.IO') {
      const socket = io(`http://${this.origin}`, {
        path: '/ws',
        transports: ['websocket'],
        reconnection: false,
      });
      this.closing.push(() => void socket.disconnect());
      return new Promise((resolve) => {
        socket.onAny((name: string, value: unknown) => resolve({ event: name, data: value }));
        socket.emit(event, data, (value: unknown) => resolve({ data: value, ack: true }));
      });
    }
    const socket = (await this.open('/ws')) as WebSocket;
    socket.send(JSON.stringify({ event, data, id: 1 }));
    return new Promise((resolve) => {
      socket.on('message', (bytes) => resolve(JSON.parse(String(bytes as Buffer)) as Reply));
    });
  }

  async close(): Promise<void> {
    for (const close of this.closing) close();
    await this.app.close();
  }
}

/** For rows of the table: whether a server has it. */
const PROBES: Record<string, (subject: Subject) => Promise<boolean>> = {
  'a bare `WebSocket` is a client': async (subject) => {
    const socket = (await subject.open('/ws')) as WebSocket;
    socket.send(JSON.stringify({ event: 'echo', data: 'hi' }));
    return new Promise((resolve) => {
      // Socket.IO sends its handshake first, and closes a connection that sends anything else
      socket.on('message', (bytes) => {
        const text = String(bytes as Buffer);
        if (text.includes('"hi"')) resolve(true);
      });
      socket.on('close', () => resolve(false));
    });
  },
  'rooms, `to/in/except`, broadcast': async (subject) => {
    const { data } = await subject.ask('rooms');
    return (data as { data?: unknown })?.data === true || data === true;
  },
  'acknowledgements, both ways, also room-wide': async (subject) =>
    (await subject.ask('ask')).ack !== undefined,
  'an error is the answer to the request that failed': async (subject) =>
    (await subject.ask('fails')).ack !== undefined,
  'an `HttpException` or failed validation reaches the client as itself': async (subject) =>
    JSON.stringify(await subject.ask('refuses')).includes('the text'),
  'messages wait for an async `handleConnection`': async (subject) => {
    slow.end = deferred();
    const answer = subject.ask('ready');
    // the others handle the message, which ends the wait
    if (subject.name === 'nestjs-envelope') setTimeout(() => slow.end.resolve(), 50);
    return JSON.stringify(await answer).includes('true');
  },
  'guards refuse before the connection, with an HTTP status': async (subject) =>
    (await subject.open('/guarded')) === 401,
  'other origins are refused by default': async (subject) =>
    (await subject.open('/ws', { origin: 'https://other.example' })) === 403,
  'limits on connections, rates, messages in flight, slow readers': async (subject) => {
    const socket = (await subject.open('/ws')) as WebSocket;
    const isSocketIO = subject.name === 'Socket.IO';
    const flood = (): void => {
      for (let i = 0; i < FLOOD; i++)
        socket.send(isSocketIO ? '42["echo",1]' : JSON.stringify({ event: 'echo', data: 1 }));
    };
    let answers = 0;
    return new Promise((resolve) => {
      socket.on('close', () => resolve(true));
      socket.on('message', (bytes) => {
        const text = String(bytes as Buffer);
        // the handshake of Socket.IO: open, then the answer to CONNECT
        if (text.startsWith('0{')) return;
        if (text.startsWith('40')) return flood();
        if (!/^(42\["|\{"event":")echo"/.test(text)) resolve(true);
        else if (++answers === FLOOD) resolve(false);
      });
      if (isSocketIO) socket.send('40');
      else flood();
    });
  },
};

/** The rows of the first table of a page. */
const PAGE = readFileSync('docs/comparison.md', 'utf8');
const [HEADER, , ...ROWS] = PAGE.split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  .filter((row, _index, rows) => row.length === rows[0]!.length);

describe('the comparison', () => {
  beforeEach(() => {
    slow.end = deferred();
    slow.end.resolve();
  });

  const cells = ROWS.filter(([row]) => Object.hasOwn(PROBES, row!)).flatMap((row) =>
    NAMES.map(
      (name) =>
        [
          name,
          row[0]!,
          row[HEADER!.indexOf(name === '@nestjs/platform-ws' ? '`@nestjs/platform-ws`' : name)]!,
        ] as const,
    ),
  );

  it('has a row for each probe', () => expect(cells).toHaveLength(Object.keys(PROBES).length * NAMES.length));

  it.each(cells)('says of %s: %s: %s', async (name, row, cell) => {
    const subject = await Subject.start(name);
    try {
      expect(await PROBES[row]!(subject)).toBe(cell === 'yes');
    } finally {
      await subject.close();
    }
  });

  it('names tests that exist', () => {
    const missing = ROWS.flatMap((row) =>
      [...row.at(-1)!.matchAll(/`([^`]+)`/g)].map(([, path]) => path!),
    ).filter((path) => !existsSync(`test/${path}`) && !existsSync(`test/${path}.spec.ts`));
    expect(missing).toEqual([]);
    expect(ROWS.every((row) => /`[^`]+`/.test(row.at(-1)!))).toBe(true);
  });
});
