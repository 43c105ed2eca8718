import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { UseGuards } from '@nestjs/common';
import { Ajv, type ValidateFunction } from 'ajv';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { decode } from '../../lib/protocol/codec.js';
import { Refusal } from '../../lib/protocol/envelope.js';
import { messagePack } from '../../lib/msgpack/index.js';
import { MessagePackEncoding } from '../../lib/msgpack/message-pack-encoding.js';
import { pathOf, normalisePath } from '../../lib/server/upgrade/path-pattern.js';
import { EnvelopeSocket } from '../../lib/index.js';
import { startSharedApp, type TestApp } from '../support/app.js';
import { PackedClient } from '../msgpack/client.js';
import { TestClient } from '../support/client.js';

interface Message {
  rule: string;
  name: string;
  text?: string;
  hex?: string;
  verdict: { accepted: Record<string, unknown> } | { refused: string; id?: string | number };
}

interface Offer {
  rule: string;
  name: string;
  offered: string[];
  authorization?: string;
  query?: string;
  selected: string | null;
  credentials: object;
}

interface Path {
  rule: string;
  name: string;
  path: string;
  request: string;
  same: boolean;
}

const root = process.cwd();
const read = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'));
const vectorsOf = <Vector>(name: string): Vector[] =>
  (read(`test/protocol/vectors/${name}.json`) as { vectors: Vector[] }).vectors;

const messages = vectorsOf<Message>('messages');
const offers = vectorsOf<Offer>('subprotocols');
const paths = vectorsOf<Path>('paths');
const packed = vectorsOf<Message>('msgpack');
const LIMITS = { maxEventNameLength: 256, maxJsonDepth: 64 };

const bytesOf = ({ text, hex }: Message): Buffer =>
  hex === undefined ? Buffer.from(text ?? '') : Buffer.from(hex, 'hex');

/** What the codec leaves to the router: names, and the credentials of `$auth`. */
const BY_ROUTER = /^(reserved_event)$|\$auth without/;

@WebSocketGateway({ path: '/vectors' })
class VectorGateway {
  @SubscribeMessage('credentials')
  credentials(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client.handshake.auth;
  }
}

@UseGuards({ canActivate: () => true })
@WebSocketGateway({ path: '/vectors/guarded' })
class GuardedVectorGateway {}

describe('the test vectors of the protocol', () => {
  let app: TestApp;
  const clients: TestClient[] = [];
  const packedClients: PackedClient[] = [];

  beforeAll(async () => {
    app = await startSharedApp(
      { providers: [VectorGateway, GuardedVectorGateway] },
      { adapter: { encodings: [messagePack()] } },
    );
  });
  afterEach(() => [...clients.splice(0), ...packedClients.splice(0)].forEach(({ ws }) => ws.terminate()));
  afterAll(() => app.close());

  async function open(
    path: string,
    options?: ConstructorParameters<typeof TestClient>[1],
  ): Promise<TestClient> {
    const client = new TestClient(app.url(path), options);
    clients.push(client);
    await client.opened();
    return client;
  }

  describe('of messages', () => {
    it.each(messages.map((vector) => [vector.name, vector] as const))('%s', async (_, vector) => {
      const { verdict } = vector;
      const client = await open('/vectors/guarded');
      // as a binary message: one that is no UTF-8 would break RFC 6455 as a text
      client.ws.send(bytesOf(vector), { binary: true });
      client.send({ event: '$ping', id: 'fence' });
      await client.answer('fence');
      const codes = client.frames.filter(({ event }) => event === 'exception');
      if ('refused' in verdict)
        expect(codes).toEqual([
          {
            event: 'exception',
            data: { status: 'error', code: verdict.refused, message: expect.any(String) },
            ...(verdict.id === undefined ? {} : { ack: verdict.id }),
          },
        ]);
      else expect(codes.map(({ data }) => data.code).filter((code) => code !== 'unknown_event')).toEqual([]);
    });

    it.each(
      messages
        .filter(
          ({ name, verdict, hex }) =>
            hex === undefined &&
            !BY_ROUTER.test('refused' in verdict ? `${verdict.refused}` : '') &&
            !BY_ROUTER.test(name),
        )
        .map((vector) => [vector.name, vector] as const),
    )('read by the codec: %s', (_, vector) => {
      const { verdict, text = '' } = vector;
      const read = decode(text, LIMITS);
      if ('refused' in verdict) {
        expect(read).toBeInstanceOf(Refusal);
        expect(read).toMatchObject({ code: verdict.refused });
        return;
      }
      const { stream, more, ...fields } = { ...(read as object) } as Record<string, unknown>;
      const seen = { ...fields, ...(stream === true ? { stream } : {}), ...(more === true ? { more } : {}) };
      expect(JSON.parse(JSON.stringify(seen))).toEqual(verdict.accepted);
    });
  });

  describe('of messages, against the JSON Schema', () => {
    const ajv = new Ajv({ strict: false });
    const isValid: ValidateFunction = ajv.compile(read('docs/protocol/message.schema.json') as object);
    // JSON Schema has no nesting, and counts other characters
    const beyond = /code units|nesting|before reserved names/;

    it.each(
      messages
        .filter(({ name, hex }) => hex === undefined && !beyond.test(name))
        .map((vector) => [vector.name, vector] as const),
    )('%s', (_, { text = '', verdict }) => {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        return expect(verdict).toMatchObject({ refused: 'bad_frame' });
      }
      expect(isValid(value)).toBe('accepted' in verdict);
    });
  });

  it.each(packed.map((vector) => [vector.name, vector] as const))('of MessagePack: %s', async (_, vector) => {
    const { verdict } = vector;
    const client = new PackedClient(app.url('/vectors'));
    packedClients.push(client);
    await client.next('$session');
    client.ws.send(bytesOf(vector));
    client.send({ event: '$ping', id: 'fence' });
    await client.answer('fence');
    const codes = client.messages.filter(({ event }) => event === 'exception');
    if ('accepted' in verdict) return expect(codes.map(({ data }) => data.code)).toEqual(['unknown_event']);
    expect(codes.map(({ data, ack }) => [data.code, ack])).toEqual([[verdict.refused, verdict.id]]);
  });

  it.each(packed.map((vector) => [vector.name, vector] as const))(
    'of MessagePack, read by the codec: %s',
    (_, vector) => {
      const { verdict } = vector;
      const read = new MessagePackEncoding(100_000).decode(bytesOf(vector), true, LIMITS);
      if ('refused' in verdict) return expect(read).toMatchObject({ code: verdict.refused });
      const fields = JSON.stringify({ ...(read as object), stream: undefined, more: undefined });
      expect(fields).toBe(JSON.stringify(verdict.accepted).replace(/\{"\$own":(.*?)\}\}/, '$1}'));
    },
  );

  it.each(offers.map((vector) => [vector.name, vector] as const))(
    'of subprotocols: %s',
    async (_, vector) => {
      const { offered, authorization, query, selected, credentials } = vector;
      const client = await open(`/vectors${query === undefined ? '' : `?${query}`}`, {
        // the library fails a connection on which none of its own names was selected
        ...(selected === null ? {} : { protocols: offered }),
        headers: {
          ...(selected === null && offered.length > 0
            ? { 'sec-websocket-protocol': offered.join(', ') }
            : {}),
          ...(authorization === undefined ? {} : { authorization }),
        },
      });
      expect(client.ws.protocol).toBe(selected ?? '');
      expect((await client.ask('credentials')).data).toEqual(credentials);
    },
  );

  it.each(paths.map((vector) => [vector.name, vector] as const))(
    'of paths: %s',
    (_, { path, request, same }) => {
      expect(pathOf(request) === normalisePath(path)).toBe(same);
    },
  );

  it('cite rules that PROTOCOL.md has', () => {
    const protocol = readFileSync(join(root, 'PROTOCOL.md'), 'utf8');
    for (const { rule } of [...messages, ...offers, ...paths, ...packed])
      expect(protocol).toContain(`\n**${rule}** `);
  });
});
