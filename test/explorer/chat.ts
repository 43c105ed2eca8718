import {
  BadRequestException,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { interval, map, take, type Observable } from 'rxjs';
import type { Contract } from '../../lib/contract/index.js';
import { mountExplorer } from '../../lib/explorer/explorer-mount.js';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';

/** Accepts a client with the token. */
export class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    if (client.handshake.auth.token !== 'valid token') throw new UnauthorizedException();
    client.user = { id: 'ada' };
    return true;
  }
}

@WebSocketGateway({ path: '/ws/chat' })
export class ChatGateway {
  @WebSocketServer() server!: EnvelopeServer;

  handleConnection(client: EnvelopeSocket): void {
    void client.join('lobby');
  }

  @SubscribeMessage('say')
  say(@MessageBody() message: { text: string }): { delivered: number } {
    this.server.emit('said', message);
    return { delivered: this.server.sockets.size };
  }

  @SubscribeMessage('join')
  join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): void {
    void client.join(room);
  }

  @SubscribeMessage('ticks')
  ticks(@MessageBody() count: number): Observable<number> {
    return interval(20).pipe(
      map((tick) => tick + 1),
      take(count),
    );
  }

  @SubscribeMessage('flood')
  flood(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() count: number): void {
    for (let number = 1; number <= count; number++) client.emit('drop', number);
  }

  @SubscribeMessage('ask me')
  async askMe(@ConnectedSocket() client: EnvelopeSocket): Promise<unknown> {
    return { said: await client.emitWithAck('where are you?') };
  }

  @SubscribeMessage('fail')
  fail(): void {
    throw new WsException('the room is closed');
  }

  @SubscribeMessage('refuse')
  refuse(): void {
    throw new BadRequestException(['room must be one of red, blue', 'at must be a date']);
  }
}

@UseGuards(KeyGuard)
@WebSocketGateway({ path: '/rooms/:room' })
export class RoomGateway {
  handleConnection(client: EnvelopeSocket): void {
    void client.join(client.handshake.params['room']!);
  }

  @SubscribeMessage('whoami')
  whoami(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client.user;
  }

  @SubscribeMessage('leave')
  leave(@ConnectedSocket() client: EnvelopeSocket): void {
    client.ws.close(4401, 'too late');
  }
}

/** Starts a chat with its explorer on /ws-docs. */
export function startChat(
  setup: (app: INestApplication) => void = (app) => mountExplorer('ws-docs', app, theContract, undefined),
  options: AppOptions = {},
): Promise<TestApp> {
  return startApp({ providers: [ChatGateway, RoomGateway] }, { ...options, before: setup });
}

const envelope = (event: string, data?: object, more: object = {}): object => ({
  name: event,
  title: event,
  payload: {
    type: 'object',
    required: ['event'],
    properties: { event: { const: event }, ...(data && { data }), ...more },
  },
});
const ref = (...names: string[]): object => ({
  $ref: `#/${names.map((name) => name.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`,
});
const takes = (channel: string, event: string, reply?: string, more: object = {}): object => ({
  action: 'receive',
  channel: ref('channels', channel),
  messages: [ref('channels', channel, 'messages', event)],
  ...(reply !== undefined && {
    reply: {
      channel: ref('channels', channel),
      messages: [ref('channels', channel, 'messages', reply), ref('components', 'messages', 'exception')],
    },
  }),
  ...more,
});

export const HOSTILE = '<img src=x onerror="window.hacked=1">';

export const theContract = (): Promise<Contract> => Promise.resolve(CONTRACT as unknown as Contract);

/** The contract of the chat, written by hand. */
export const CONTRACT = {
  asyncapi: '3.0.0',
  info: { title: 'Chat', version: '2.1.0', description: 'Members of a room receive its messages.' },
  channels: {
    'ws-chat': {
      address: '/ws/chat',
      title: 'ChatGateway',
      description: 'Open to all clients.',
      messages: {
        say: envelope('say', ref('components', 'schemas', 'SayDto')),
        'say.reply': envelope('say', {
          type: 'object',
          required: ['delivered'],
          properties: { delivered: { type: 'integer', minimum: 0, description: 'the number of recipients' } },
        }),
        join: envelope('join', { type: 'string', minLength: 1, maxLength: 40, examples: ['red'] }),
        'join.reply': envelope('join'),
        ticks: envelope('ticks', { type: 'integer', minimum: 1, maximum: 1000, examples: [5] }),
        'ticks.reply': envelope('ticks', { type: 'integer' }, { more: { const: true } }),
        flood: envelope('flood', { type: 'integer', minimum: 1, examples: [10_000] }),
        fail: envelope('fail'),
        'fail.reply': envelope('fail'),
        said: envelope('said', ref('components', 'schemas', 'SayDto')),
        drop: envelope('drop', { type: 'integer' }),
        [HOSTILE]: envelope(HOSTILE, { type: 'string', description: HOSTILE, examples: [HOSTILE] }),
      },
    },
    'rooms-room': {
      address: '/rooms/{room}',
      title: 'RoomGateway',
      description: 'For **clients with a token**, *no* others: `**` of 2*3*4, <b>as it is</b>, * and **.',
      parameters: { room: { description: 'which room' } },
      messages: {
        whoami: envelope('whoami'),
        'whoami.reply': envelope('whoami', { type: 'object' }),
        leave: envelope('leave'),
      },
    },
  },
  operations: {
    'ws-chat.say': takes('ws-chat', 'say', 'say.reply', {
      summary: 'Sends a message to all clients.',
      'x-handler': 'ChatGateway.say',
    }),
    'ws-chat.join': takes('ws-chat', 'join', 'join.reply', { summary: 'Enters a room.' }),
    'ws-chat.ticks': takes('ws-chat', 'ticks', 'ticks.reply', { summary: 'Counts.' }),
    'ws-chat.flood': takes('ws-chat', 'flood', undefined, { 'x-deprecated': true }),
    'ws-chat.fail': takes('ws-chat', 'fail', 'fail.reply'),
    [`ws-chat.${HOSTILE}`]: takes('ws-chat', HOSTILE, undefined, { summary: HOSTILE }),
    'ws-chat.emits.said': {
      ...takes('ws-chat', 'said'),
      action: 'send',
      summary: 'A client sent a message.',
    },
    'ws-chat.emits.drop': { ...takes('ws-chat', 'drop'), action: 'send' },
    'rooms-room.whoami': takes('rooms-room', 'whoami', 'whoami.reply', {
      security: [ref('components', 'securitySchemes', 'key')],
    }),
    'rooms-room.leave': takes('rooms-room', 'leave'),
  },
  components: {
    messages: {
      exception: envelope('exception', {
        type: 'object',
        required: ['status', 'message'],
        properties: { status: { const: 'error' }, message: { type: 'string' }, code: { type: 'string' } },
      }),
    },
    schemas: {
      SayDto: {
        type: 'object',
        required: ['text'],
        additionalProperties: false,
        properties: {
          text: {
            type: 'string',
            minLength: 1,
            maxLength: 500,
            description: 'What is said.',
            examples: ['hello'],
          },
          mood: { type: 'string', enum: ['calm', 'merry', 'cross'], default: 'calm' },
          at: { type: 'string', format: 'date-time' },
          to: { type: 'array', maxItems: 20, uniqueItems: true, items: { type: 'string', format: 'uuid' } },
          quotes: { type: 'array', maxItems: 3, items: ref('components', 'schemas', 'QuoteDto') },
        },
      },
      QuoteDto: {
        type: 'object',
        required: ['from'],
        properties: {
          from: { type: 'string', pattern: '^[a-z]+$', examples: ['bob'] },
          weight: { type: 'number', minimum: 0, exclusiveMaximum: 10 },
          reply: ref('components', 'schemas', 'QuoteDto'),
        },
      },
    },
    securitySchemes: {
      key: { type: 'http', scheme: 'bearer', description: 'The access token.' },
    },
  },
};
