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
import { GATEWAYS, JwtGuard, KeyGuard, SpecialNamesGateway } from './rich-app.js';
import { coded } from '../support/error-code.js';

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

/** Returns a gateway with one handler for each event. */
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

/** Resolves a reference as RFC 6901 defines: first the percent-encoding of the fragment, then the escapes of each segment. */
function resolve(contract: Contract, reference: string): unknown {
  return reference
    .slice(2)
    .split('/')
    .map((segment) => decodeURIComponent(segment).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((found, key) => (found as Record<string, unknown>)[key], contract);
}

/** Returns the schema of the data of a message. */
function dataOf({ channels }: Contract, channel: string, message: string): unknown {
  const { payload } = channels[channel]!.messages[message]! as ContractMessage;
  return (payload['properties'] as { data?: unknown }).data;
}

describe('the contract of an application with many features', () => {
  let parser: Child;
  beforeAll(async () => {
    parser = await Child.start('asyncapi', { isShared: true });
  });

  it('is a valid AsyncAPI document whose references all resolve', async () => {
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

  it('has a channel for each path with the operations of all its gateways, in the order of their handlers', async () => {
    const { channels, operations } = await richContract();
    expect(Object.values(channels).map(({ address, title }) => [address, title])).toEqual([
      ['/games/{name}', 'GameGateway'],
      ['/rooms/{room}', 'RoomGateway'],
      ['/', 'SpecialNamesGateway'],
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

  it('derives payloads from parameters, decorators and return types', async () => {
    const contract = await richContract();
    const schema = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
    const places = { type: 'array', items: schema('PlaceDto') };
    const move = { type: 'object', properties: { x: { type: 'number' }, to: schema('PlaceDto') } };
    const expected: [string, unknown][] = [
      ['say', schema('SayDto')],
      ['say.reply', schema('Said')],
      ['presence', undefined],
      ['presence.reply', { type: 'number' }],
      ['presence.2', schema('UndescribedDto')],
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
    for (const [message, data] of expected)
      expect([message, dataOf(contract, 'ws-chat', message)]).toEqual([message, data]);
    expect(dataOf(contract, 'rooms-room', 'draw')).toEqual(places);
    expect(dataOf(contract, 'rooms-room', 'author.reply')).toEqual(schema('AuthorDto'));
    expect(contract.channels['ws-chat']!.messages['ping.reply']).toMatchObject({ name: 'pong' });
    expect(contract.channels['ws-chat']!.messages['exception']).toEqual({
      $ref: '#/components/messages/exception',
    });
  });

  it('escapes names with special characters of JSON Pointers, URLs and JavaScript', async () => {
    const { operations } = await contractOf({ providers: [SpecialNamesGateway] });
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

  it('resolves each reference to the message of that name, for random names', async () => {
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

  it('is independent of the order of providers', async () => {
    const contract = await richContract();
    const reversed = await contractOf({ providers: [...GATEWAYS, JwtGuard, KeyGuard].reverse() });
    expect(JSON.stringify(reversed)).toBe(JSON.stringify(contract));
  });
});

describe('the path and the port of gateways without a path', () => {
  @WebSocketGateway()
  class PlainGateway {
    @SubscribeMessage('x') x(): void {}
  }

  const addresses = async (...args: Parameters<typeof contractOf>): Promise<string[]> =>
    Object.values((await contractOf(...args)).channels).map(({ address }) => address);

  it('are those of the adapter', async () => {
    expect(await addresses({ providers: [PlainGateway] }, {}, { path: '/by-adapter' })).toEqual([
      '/by-adapter',
    ]);
  });

  it('are those of the module, through the adapter', async () => {
    const module = { imports: [EnvelopeModule.forRoot({ path: '/by-module' })], providers: [PlainGateway] };
    expect(await addresses(module)).toEqual(['/by-module']);
  });

  it('are those of the options of createContract', async () => {
    const { channels, servers } = await contractOf(
      { providers: [PlainGateway] },
      { path: '/given/', port: 3007 },
    );
    expect(channels).toMatchObject({ 'port-3007-given': { address: '/given' } });
    expect(servers).toEqual({ 'port-3007': { host: 'localhost:3007', protocol: 'ws' } });
  });

  it('do not change servers of the options', async () => {
    const servers = { live: { host: 'example.com', protocol: 'wss' } };
    const contract = await contractOf({ providers: [PlainGateway] }, { servers });
    expect(contract.servers).toEqual(servers);
    expect(contract.channels['root']!.servers).toBeUndefined();
  });
});

describe('paths with the same slug', () => {
  function gateway(path: string): Type {
    @WebSocketGateway({ path })
    class Some {}
    return Some;
  }

  it('get different channel keys', async () => {
    const { channels } = await contractOf({ providers: [gateway('/a/b'), gateway('/a-b'), gateway('/x-y')] });
    expect(Object.entries(channels).map(([key, { address }]) => [key, address])).toEqual([
      ['a-b', '/a-b'],
      ['a-b.2', '/a/b'],
      ['path-x-y', '/x-y'],
    ]);
  });

  it('are described if the address cannot express them', async () => {
    const { channels } = await contractOf({ providers: [gateway('/files{/:kind}/*rest')] });
    expect(channels['files-kind-rest']).toMatchObject({
      address: '/files/{kind}/{rest}',
      description: "The path in the syntax of Nest's routes: `/files{/:kind}/*rest`.",
      parameters: { kind: {}, rest: { description: 'One or more segments.' } },
    });
  });
});

describe('two DTO classes of one name', () => {
  function dto(decorator: PropertyDecorator | undefined): Type {
    class Message {
      count!: number;
    }
    decorator?.(Message.prototype, 'count');
    return Message;
  }

  it('are rejected with the names of their users if they differ', async () => {
    @Emits('said', dto(IsInt()))
    @WebSocketGateway()
    class First {}

    @WebSocketGateway()
    class Second {
      @Replies(dto(undefined)) @SubscribeMessage('say') say(): void {}
    }

    await expect(contractOf({ providers: [First, Second] })).rejects.toThrow(
      coded(
        'ERR_ENVELOPE_INVALID_CONTRACT',
        'createContract: two different DTO classes are named Message: Second.say uses one, First the other. Rename one of them',
      ),
    );
  });

  it('become one schema if they are equal', async () => {
    @Emits('said', dto(IsInt()))
    @Emits('received', dto(IsInt()))
    @WebSocketGateway()
    class Both {}

    const { components } = await contractOf({ providers: [Both] });
    expect(Object.keys(components.schemas!)).toEqual(['Message']);
  });

  it('are rejected without a name', async () => {
    @Emits('said', class {})
    @WebSocketGateway()
    class Nameless {}

    await expect(contractOf({ providers: [Nameless] })).rejects.toThrow(
      coded(
        'ERR_ENVELOPE_INVALID_CONTRACT',
        'createContract: "" is not a valid schema name for a DTO class of Nameless.',
      ),
    );
  });
});

describe('a gateway class', () => {
  it('inherits handlers and adds to the events of its base class', async () => {
    @Emits('said', String)
    abstract class Base {
      @SubscribeMessage('say')
      say(@MessageBody() text: string): string {
        return text;
      }
    }

    @Emits('received', String)
    @WebSocketGateway({ path: '/second' })
    class Second extends Base {}

    @WebSocketGateway({ path: '/first' })
    class First extends Base {}

    const { operations } = await contractOf({ providers: [First, Second] });
    expect(Object.entries(operations).map(([key, operation]) => [key, operation['x-handler']])).toEqual([
      ['first.say', 'First.say'],
      ['first.emits.said', 'First'],
      ['second.say', 'Second.say'],
      ['second.emits.received', 'Second'],
      ['second.emits.said', 'Second'],
    ]);
  });

  it('is not in the contract without a provider, and neither is another class', async () => {
    @Injectable()
    class Service {
      @SubscribeMessage('x') x(): void {}
    }

    expect(await contractOf({ providers: [Service] })).toMatchObject({ channels: {}, operations: {} });
  });
});
