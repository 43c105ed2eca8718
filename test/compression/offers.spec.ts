import type { EnvelopeSocket } from '../../lib/index.js';
import { acceptDeflate, type DeflateTerms } from '../../lib/server/transport/deflate-offer.js';
import { startSharedApp, type TestApp } from '../support/app.js';
import { BareGateway } from '../support/bare-gateway.js';
import { growth } from '../support/growth.js';
import { RawClient } from '../support/raw-client.js';
import { until } from '../support/wait.js';

const NO_CONTEXT = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const VALID: [offers: string, accepted: string][] = [
  ['permessage-deflate', NO_CONTEXT],
  ['permessage-deflate; client_max_window_bits', NO_CONTEXT],
  ['permessage-deflate; client_max_window_bits=10', NO_CONTEXT],
  ['permessage-deflate; server_no_context_takeover', NO_CONTEXT],
  ['permessage-deflate; client_no_context_takeover; server_no_context_takeover', NO_CONTEXT],
  ['permessage-deflate; server_max_window_bits=15', `${NO_CONTEXT}; server_max_window_bits=15`],
  ['permessage-deflate; server_max_window_bits=9', `${NO_CONTEXT}; server_max_window_bits=9`],
  ['permessage-deflate; server_max_window_bits="1\\2"', `${NO_CONTEXT}; server_max_window_bits=12`],
  ['\tpermessage-deflate ;\tserver_max_window_bits = 10 ', `${NO_CONTEXT}; server_max_window_bits=10`],
  ['permessage-deflate; server_max_window_bits=8, permessage-deflate', NO_CONTEXT],
  ['permessage-deflate; of_the_future, permessage-deflate', NO_CONTEXT],
  [
    'another; x=1, permessage-deflate; server_max_window_bits=11, permessage-deflate',
    `${NO_CONTEXT}; server_max_window_bits=11`,
  ],
  ['x-webkit-deflate-frame, permessage-deflate; client_max_window_bits', NO_CONTEXT],
];
const DECLINED: string[] = [
  'permessage-deflate; server_max_window_bits=8',
  'permessage-deflate; server_max_window_bits',
  'permessage-deflate; server_max_window_bits=7',
  'permessage-deflate; server_max_window_bits=16',
  'permessage-deflate; server_max_window_bits=09',
  'permessage-deflate; server_max_window_bits=10; server_max_window_bits=10',
  'permessage-deflate; client_max_window_bits=7',
  'permessage-deflate; client_max_window_bits=1e1',
  'permessage-deflate; client_no_context_takeover=true',
  'permessage-deflate; server_no_context_takeover=0',
  'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
  'permessage-deflate; of_the_future',
  'permessage-deflate; toString',
  'permessage-deflate2',
  'another',
];
const MALFORMED: string[] = [
  'permessage-deflate;',
  'permessage-deflate,',
  ', permessage-deflate',
  'permessage-deflate,, permessage-deflate',
  'permessage-deflate=1',
  'permessage-deflate; server_max_window_bits=',
  'permessage-deflate; server_max_window_bits="10',
  'permessage-deflate; server_max_window_bits=""',
  'permessage-deflate; server_max_window_bits="1 0"',
  'permessage deflate',
  'permessage-deflate; a=b=c',
  'permessage-deflate; (comment)',
];

const EXTENSIONS = /^Sec-WebSocket-Extensions: (.*)\r$/im;

describe('offers of permessage-deflate', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startSharedApp({ providers: [BareGateway] }, { adapter: { perMessageDeflate: true } });
  });
  afterAll(() => app.close());

  const open = (offers: string): Promise<RawClient> =>
    RawClient.connect(app.port, '/ws', { 'Sec-WebSocket-Extensions': offers });
  /** Connects. Returns the accepted terms, and the client as gateways see it. */
  async function connect(offers: string): Promise<[accepted: string | undefined, EnvelopeSocket]> {
    const { connected } = app.nest.get(BareGateway);
    const { length } = connected;
    const { head } = await open(offers);
    await until('handleConnection', () => connected.length > length);
    return [EXTENSIONS.exec(head)?.[1], connected.at(-1)!];
  }

  it.each(VALID)('%s is accepted', async (offers, accepted) => {
    const [answer, client] = await connect(offers);
    expect(answer).toBe(accepted);
    expect(client.extensions).toBe('permessage-deflate');
    // guards and gateways see what the client sent
    expect(client.handshake.headers['sec-websocket-extensions']).toBe(offers.trim());
  });

  it.each(DECLINED)('%s is declined, and the connection opens without it', async (offers) => {
    const [answer, client] = await connect(offers);
    expect(answer).toBeUndefined();
    expect(client.extensions).toBe('');
    expect(client.handshake.headers['sec-websocket-extensions']).toBe(offers);
  });

  it.each(MALFORMED)('%s is refused', async (offers) => {
    await expect(open(offers)).rejects.toThrow('HTTP/1.1 400 ');
  });

  it('of two headers are one list', async () => {
    const twice = 'permessage-deflate; of_the_future\r\nSec-WebSocket-Extensions: permessage-deflate';
    expect((await connect(twice))[0]).toBe(NO_CONTEXT);
  });
});

describe('a path with other terms', () => {
  const DEFAULTS = { serverMaxWindowBits: 15, clientMaxWindowBits: undefined, clientNoContextTakeover: true };
  const BOTH = 'permessage-deflate; server_no_context_takeover';

  it.each<[Partial<DeflateTerms>, offers: string, accepted: string | undefined, bits?: number]>([
    [{ serverMaxWindowBits: 10 }, 'permessage-deflate', `${NO_CONTEXT}; server_max_window_bits=10`, 10],
    [
      { serverMaxWindowBits: 10 },
      'permessage-deflate; server_max_window_bits=12',
      `${NO_CONTEXT}; server_max_window_bits=10`,
      10,
    ],
    [
      { serverMaxWindowBits: 12 },
      'permessage-deflate; server_max_window_bits=10',
      `${NO_CONTEXT}; server_max_window_bits=10`,
      10,
    ],
    [{ clientMaxWindowBits: 10 }, 'permessage-deflate', undefined],
    [
      { clientMaxWindowBits: 10 },
      'permessage-deflate, permessage-deflate; client_max_window_bits',
      `${NO_CONTEXT}; client_max_window_bits=10`,
    ],
    [
      { clientMaxWindowBits: 10 },
      'permessage-deflate; client_max_window_bits=9',
      `${NO_CONTEXT}; client_max_window_bits=9`,
    ],
    [{ clientNoContextTakeover: false }, 'permessage-deflate', BOTH],
    [{ clientNoContextTakeover: false }, 'permessage-deflate; client_no_context_takeover', NO_CONTEXT],
  ])('%j: %s', (terms, offers, accepted, bits = 15) => {
    const agreement = acceptDeflate(offers, { ...DEFAULTS, ...terms });
    expect(agreement?.header).toBe(accepted);
    if (agreement === undefined) return;
    expect(agreement.windowBits).toBe(bits);
    expect(agreement.clientNoContextTakeover).toBe(agreement.header.includes('client_no'));
  });

  it('reads a long header in linear time', async () => {
    const accept = (size: number): void => {
      const offers = `permessage-deflate; ${'a'.repeat(size)}, permessage-deflate${' '.repeat(size)}`;
      expect(acceptDeflate(offers, DEFAULTS)?.header).toBe(NO_CONTEXT);
    };
    const refuse = (size: number): void =>
      expect(() => acceptDeflate(`a; b="${'\\a'.repeat(size)}`, DEFAULTS)).toThrow(SyntaxError);
    for (const read of [accept, refuse]) expect(await growth(read, 25_000)).toBeLessThan(8);
  });
});
