import { createContract, type Contract } from '../../lib/contract/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { Child } from '../support/child.js';
import { ChatGateway, JwtGuard, KeyGuard, ModerationGateway, RoomGateway } from './rich-app.js';

interface ClientMessage {
  event: string;
  data?: unknown;
  id?: number;
  stream?: true;
}

const SAY_DATA = {
  text: 'hello',
  colour: 'red',
  level: 1,
  tags: ['a'],
  places: [{ latitude: 1, longitude: 2 }],
  place: { latitude: 1, longitude: 2 },
  mail: 'ada@example.com',
  link: 'https://example.com',
  on: '2026-01-01T00:00:00Z',
  until: '2026-01-01T00:00:00Z',
  code: '123-abc/',
  loose: 'b',
  dotted: 'a.b',
  both: 'x',
};

describe('messages on the wire match the contract', () => {
  let validator: Child;
  let app: TestApp;
  let contract: Contract;
  beforeAll(async () => {
    validator = await Child.start('asyncapi', { isShared: true });
  });
  beforeEach(async () => {
    app = await startApp({ providers: [ChatGateway, ModerationGateway, RoomGateway, JwtGuard, KeyGuard] });
    contract = await createContract(app.nest, { title: 'Wire', version: '1.0.0' });
  });

  const violations = (reference: string, message: unknown): Promise<string[]> => {
    const key = decodeURIComponent(reference.split('/').at(-1)!);
    const channel = Object.values(contract.channels).find(({ messages }) => key in messages)!;
    const found = channel.messages[key]!;
    const { payload } = 'payload' in found ? found : contract.components.messages['exception']!;
    return validator.ask('validate', { components: contract.components }, payload, message);
  };

  const cases: { operation: string; path: string; message: ClientMessage }[] = [
    { operation: 'ws-chat.say', path: '/ws/chat', message: { event: 'say', data: SAY_DATA, id: 1 } },
    { operation: 'ws-chat.ban', path: '/ws/chat', message: { event: 'ban', data: 'mallory', id: 1 } },
    { operation: 'ws-chat.ticks', path: '/ws/chat', message: { event: 'ticks', id: 1, stream: true } },
    { operation: 'ws-chat.ping', path: '/ws/chat', message: { event: 'ping', data: [1], id: 1 } },
    {
      operation: 'rooms-room.draw',
      path: '/rooms/a',
      message: { event: 'draw', data: [SAY_DATA.place], id: 1 },
    },
    { operation: 'rooms-room.author', path: '/rooms/a', message: { event: 'author', id: 1 } },
  ];

  it.each(cases)('$operation', async ({ operation, path, message }) => {
    const { messages, reply } = contract.operations[operation]!;
    expect(await violations(messages[0]!.$ref, message)).toEqual([]);
    const client = await app.connect(path);
    client.send(message);
    const channel = contract.channels[operation.split('.')[0]!]!;
    const { name } = channel.messages[`${message.event}.reply`] as { name: string };
    for (;;) {
      const answer = await client.next(name);
      expect([answer, await violations(reply!.messages[0]!.$ref, answer)]).toEqual([answer, []]);
      if (answer.more === undefined) break;
    }
  });

  it('includes exceptions of every origin', async () => {
    const client = await app.connect('/rooms/a');
    for (const bad of ['{', '{"event":"unknown","id":7}', '{"event":"draw","id":{}}']) {
      client.send(bad);
      const answer = await client.next('exception');
      expect([bad, await violations('#/components/messages/exception', answer)]).toEqual([bad, []]);
    }
  });

  it('reports messages that do not match', async () => {
    const bad = { event: 'say', data: { ...SAY_DATA, level: 7, mail: 'unknown', places: [{}] } };
    expect(await violations('#/channels/ws-chat/messages/say', bad)).toEqual(
      expect.arrayContaining([
        '/data/level must be equal to one of the allowed values',
        '/data/mail must match format "email"',
        "/data/places/0 must have required property 'latitude'",
      ]),
    );
  });
});
