import { Injectable, type ModuleMetadata, type Type } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { IsInt } from 'class-validator';
import fc from 'fast-check';
import {
  createContract,
  Emits,
  Replies,
  type Contract,
  type ContractMessage,
  type ContractOptions,
} from '../../lib/contract/index.js';
import { EnvelopeModule, type EnvelopeOptions } from '../../lib/index.js';
import { isReserved } from '../../lib/protocol/reserved-events.js';
import { startApp } from '../support/app.js';
import { Child } from '../support/child.js';
import { GATEWAYS, JwtGuard, KeyGuard, OddGateway } from './rich-app.js';

const OPTIONS = { title: 'Chat', version: '1.0.0' };

interface Parsed {
  complaints: string[];
  operations: { id: string; messages: string[]; replies?: string[] }[];
}

async function contractOf(
  metadata: ModuleMetadata,
  options: Partial<ContractOptions> = {},
  adapter: EnvelopeOptions = {},
): Promise<Contract> {
  const app = await startApp(metadata, { adapter });
  return createContract(app.nest, { ...OPTIONS, ...options });
}

const richContract = (): Promise<Contract> => contractOf({ providers: [...GATEWAYS, JwtGuard, KeyGuard] });

/** A gateway whose handlers take these events. */
function gatewayOf(events: readonly string[]): Type {
  class Gateway {}
  events.forEach((event, index) => {
    Object.defineProperty(Gateway.prototype, `on${index}`, { value: () => undefined });
    const descriptor = Object.getOwnPropertyDescriptor(Gateway.prototype, `on${index}`)!;
    SubscribeMessage(event)(Gateway.prototype, `on${index}`, descriptor);
  });
  WebSocketGateway()(Gateway);
  return Gateway;
}

/** As RFC 6901 has it: a fragment's percent-encoding first, then each segment's own escapes. */
function resolve(contract: Contract, reference: string): unknown {
  return reference
    .slice(2)
    .split('/')
    .map((segment) => decodeURIComponent(segment).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((found, key) => (found as Record<string, unknown>)[key], contract);
}

/** The payload of a message's envelope. */
function dataOf({ channels }: Contract, channel: string, message: string): unknown {
  const { payload } = channels[channel]!.messages[message]! as ContractMessage;
  return (payload['properties'] as { data?: unknown }).data;
}

describe('The contract of a rich application', () => {
  let parser: Child;
  beforeAll(async () => {
    parser = await Child.start('asyncapi', { isShared: true });
  });

  it('is a valid AsyncAPI document, whose references all lead somewhere', async () => {
    const contract = await richContract();
    const { complaints, operations } = await parser.ask<Parsed>('parse', JSON.stringify(contract));
    expect(complaints).toEqual([]);
    expect(operations.map(({ id }) => id)).toEqual(Object.keys(contract.operations));
    for (const { id, messages, replies } of operations) {
      const isReceived = contract.operations[id]!.action === 'receive';
      expect([id, messages]).toEqual([id, [contract.operations[id]!.title]]);
      expect([id, replies?.length]).toEqual([id, isReceived ? 2 : undefined]);
    }
  });

  it('has a channel for each path, with what several gateways on it do, in the order of their handlers', async () => {
    const { channels, operations } = await richContract();
    expect(Object.values(channels).map(({ address, title }) => [address, title])).toEqual([
      ['/games/{name}', 'GameGateway'],
      ['/rooms/{room}', 'RoomGateway'],
      ['/', 'OddGateway'],
      ['/ws/chat', 'ChatGateway, ModerationGateway'],
    ]);
    expect(channels['games-name']!.description).toContain('/^\\/game-\\d+$/');
    expect(channels['rooms-room']!.parameters).toEqual({ room: {} });
    expect(channels['ws-chat']!.description).toMatch(/^Where people talk\./);
    expect(
      Object.entries(operations)
        .filter(([key]) => key.startsWith('ws-chat.'))
        .map(([key, operation]) => [key, operation['x-handler']]),
    ).toEqual([
      ['ws-chat.say', 'ChatGateway.say'],
      ['ws-chat.presence', 'ChatGateway.presence'],
      ['ws-chat.ticks', 'ChatGateway.ticks'],
      ['ws-chat.move', 'ChatGateway.move'],
      ['ws-chat.ping', 'ChatGateway.ping'],
      ['ws-chat.ban', 'ModerationGateway.ban'],
      ['ws-chat.presence.2', 'ModerationGateway.presence'],
      ['ws-chat.emits.said', 'ChatGateway'],
      ['ws-chat.emits.count', 'ChatGateway'],
      ['ws-chat.emits.places', 'ChatGateway'],
      ['ws-chat.emits.moved', 'ChatGateway'],
      ['ws-chat.emits.bye', 'ChatGateway'],
      ['ws-chat.emits.joined', 'ChatGateway'],
      ['ws-chat.emits.typing', 'ChatGateway.presence'],
    ]);
    expect(operations['ws-chat.say']).toMatchObject({
      summary: 'Says something',
      description: 'To all of them',
      'x-deprecated': true,
    });
  });

  it('takes payloads from parameters, decorators and return types', async () => {
    const contract = await richContract();
    const schema = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
    const places = { type: 'array', items: schema('PlaceDto') };
    const move = { type: 'object', properties: { x: { type: 'number' }, to: schema('PlaceDto') } };
    const said: [string, unknown][] = [
      ['say', schema('SayDto')],
      ['say.reply', schema('Said')],
      ['presence', undefined],
      ['presence.reply', { type: 'number' }],
      ['presence.2', schema('Untold')],
      ['presence.reply.2', {}],
      ['ticks.reply', { type: 'number' }],
      ['move', move],
      ['move.reply', {}],
      ['ping', {}],
      ['ping.reply', { type: 'string' }],
      ['ban', { type: 'string' }],
      ['ban.reply', undefined],
      ['emits.joined', { type: 'string' }],
      ['emits.places', places],
      ['emits.bye', undefined],
    ];
    for (const [message, data] of said)
      expect([message, dataOf(contract, 'ws-chat', message)]).toEqual([message, data]);
    expect(dataOf(contract, 'rooms-room', 'draw')).toEqual(places);
    expect(dataOf(contract, 'rooms-room', 'author.reply')).toEqual(schema('AuthorDto'));
    expect(contract.channels['ws-chat']!.messages['ping.reply']).toMatchObject({ name: 'pong' });
    expect(contract.channels['ws-chat']!.messages['exception']).toEqual({
      $ref: '#/components/messages/exception',
    });
  });

  it('escapes names that JSON Pointers, URLs and JavaScript have their own ideas of', async () => {
    const { operations } = await contractOf({ providers: [OddGateway] });
    const references = Object.values(operations)
      .filter(({ action }) => action === 'receive')
      .map(({ title, messages }) => [title, messages[0]!.$ref.replace('#/channels/root/messages/', '')]);
    expect(Object.fromEntries(references)).toEqual({
      'a/b': 'a~1b',
      'say hi': 'say%20hi',
      ref$: 'ref%24',
      'a~b': 'a~0b',
      '%41': '_41',
      _41: '_41.2',
      '#/x?y': '%23~1x%3Fy',
      ['__proto__']: 'event.__proto__',
      constructor: 'constructor',
      'x-ray': 'event.x-ray',
      'größe €': 'gr%C3%B6%C3%9Fe%20%E2%82%AC',
      7: '7',
    });
  });

  it('leads by each reference to the message of that name, whatever names are', async () => {
    const names = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 12 })
      .filter((name) => !isReserved(name) && name !== 'exception');
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(names, { maxLength: 20 }), async (events) => {
        const contract = await contractOf({ providers: [gatewayOf(events)] });
        const titles = Object.values(contract.operations).map(({ title, messages: [message] }) => {
          expect(resolve(contract, message!.$ref)).toMatchObject({ name: title });
          return title;
        });
        expect(titles.sort()).toEqual([...events].sort());
      }),
      { numRuns: 25 },
    );
  });

  it('is the same whatever the order of providers', async () => {
    const contract = await richContract();
    const reversed = await contractOf({ providers: [...GATEWAYS, JwtGuard, KeyGuard].reverse() });
    expect(JSON.stringify(reversed)).toBe(JSON.stringify(contract));
  });
});

describe('The path and the port of gateways that name none', () => {
  @WebSocketGateway()
  class Plain {
    @SubscribeMessage('x') x(): void {}
  }

  const addresses = async (...args: Parameters<typeof contractOf>): Promise<string[]> =>
    Object.values((await contractOf(...args)).channels).map(({ address }) => address);

  it("are the adapter's", async () => {
    expect(await addresses({ providers: [Plain] }, {}, { path: '/by-adapter' })).toEqual(['/by-adapter']);
  });

  it("are the module's, through the adapter", async () => {
    const module = { imports: [EnvelopeModule.forRoot({ path: '/by-module' })], providers: [Plain] };
    expect(await addresses(module)).toEqual(['/by-module']);
  });

  it('are those that the contract is told', async () => {
    const { channels, servers } = await contractOf({ providers: [Plain] }, { path: '/told/', port: 3007 });
    expect(channels).toMatchObject({ 'port-3007-told': { address: '/told' } });
    expect(servers).toEqual({ 'port-3007': { host: 'localhost:3007', protocol: 'ws' } });
  });

  it('leave servers as they were given', async () => {
    const servers = { live: { host: 'example.com', protocol: 'wss' } };
    const contract = await contractOf({ providers: [Plain] }, { servers });
    expect(contract.servers).toEqual(servers);
    expect(contract.channels['root']!.servers).toBeUndefined();
  });
});

describe('Paths that would be one slug', () => {
  function gateway(path: string): Type {
    @WebSocketGateway({ path })
    class Some {}
    return Some;
  }

  it('are told apart', async () => {
    const { channels } = await contractOf({ providers: [gateway('/a/b'), gateway('/a-b'), gateway('/x-y')] });
    expect(Object.entries(channels).map(([key, { address }]) => [key, address])).toEqual([
      ['a-b', '/a-b'],
      ['a-b.2', '/a/b'],
      ['path-x-y', '/x-y'],
    ]);
  });

  it('say what an address cannot', async () => {
    const { channels } = await contractOf({ providers: [gateway('/files{/:kind}/*rest')] });
    expect(channels['files-kind-rest']).toMatchObject({
      address: '/files/{kind}/{rest}',
      description: "The path in the syntax of Nest's routes: `/files{/:kind}/*rest`.",
      parameters: { kind: {}, rest: { description: 'One or more segments.' } },
    });
  });
});

describe('Two DTO classes of one name', () => {
  function dto(decorator: PropertyDecorator | undefined): Type {
    class Message {
      count!: number;
    }
    decorator?.(Message.prototype, 'count');
    return Message;
  }

  it('are refused where they differ, by the names of those who use them', async () => {
    @Emits('said', dto(IsInt()))
    @WebSocketGateway()
    class First {}

    @WebSocketGateway()
    class Second {
      @Replies(dto(undefined)) @SubscribeMessage('say') say(): void {}
    }

    await expect(contractOf({ providers: [First, Second] })).rejects.toThrow(
      'createContract: two different DTO classes are named Message: Second.say uses one, First the other. Rename one of them',
    );
  });

  it('are one where they say the same', async () => {
    @Emits('said', dto(IsInt()))
    @Emits('heard', dto(IsInt()))
    @WebSocketGateway()
    class Both {}

    const { components } = await contractOf({ providers: [Both] });
    expect(Object.keys(components.schemas!)).toEqual(['Message']);
  });

  it('have to have one', async () => {
    @Emits('said', class {})
    @WebSocketGateway()
    class Nameless {}

    await expect(contractOf({ providers: [Nameless] })).rejects.toThrow(
      'createContract: "" is not a valid schema name for a DTO class of Nameless.',
    );
  });
});

describe('A gateway class', () => {
  it('inherits handlers, and adds to what its base emits', async () => {
    @Emits('said', String)
    abstract class Base {
      @SubscribeMessage('say')
      say(@MessageBody() text: string): string {
        return text;
      }
    }

    @Emits('heard', String)
    @WebSocketGateway({ path: '/heir' })
    class Heir extends Base {}

    @WebSocketGateway({ path: '/brother' })
    class Brother extends Base {}

    const { operations } = await contractOf({ providers: [Heir, Brother] });
    expect(Object.entries(operations).map(([key, operation]) => [key, operation['x-handler']])).toEqual([
      ['brother.say', 'Brother.say'],
      ['brother.emits.said', 'Brother'],
      ['heir.say', 'Heir.say'],
      ['heir.emits.heard', 'Heir'],
      ['heir.emits.said', 'Heir'],
    ]);
  });

  it('that is not provided, or is none, is not in it', async () => {
    @Injectable()
    class Service {
      @SubscribeMessage('x') x(): void {}
    }

    expect(await contractOf({ providers: [Service] })).toMatchObject({ channels: {}, operations: {} });
  });
});
