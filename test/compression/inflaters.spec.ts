import { startApp } from '../support/app.js';
import { BareGateway } from '../support/bare-gateway.js';
import { COMPRESSED, deflated, textOf } from '../support/deflate.js';
import { OP, RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

const COUNT = 200;
/** Decompressors that wait for the next message of their connection. */
const MAX_KEPT = 128;

const compressedFrame = (text: string) => ({ opcode: OP.text, rsv: COMPRESSED, payload: deflated(text) });

describe('decompressors', () => {
  expectNoUnhandledErrors();

  it('are released by connections that are idle', async () => {
    const adapter = { perMessageDeflate: true, pingInterval: 0 };
    const app = await startApp({ providers: [BareGateway] }, { adapter });
    const { connected } = app.nest.get(BareGateway);
    const clients = await Promise.all(
      Array.from({ length: COUNT }, () =>
        RawClient.connect(app.port, '/ws', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }),
      ),
    );
    await until('all clients', () => connected.length === COUNT);
    const ask = async (client: RawClient, id: number, filler = ''): Promise<void> => {
      client.send(compressedFrame(JSON.stringify({ event: '$ping', id, data: filler })));
      expect(JSON.parse(textOf(await client.frame()))).toMatchObject({ ack: id });
    };
    const kept = (): number =>
      connected.filter(({ ws }) => {
        // `ws` has no public way to tell
        const extensions = Reflect.get(ws!, '_extensions') as Record<string, { _inflate: unknown }>;
        return extensions['permessage-deflate']!._inflate !== null;
      }).length;

    expect(kept()).toBe(0);
    for (const [index, client] of clients.entries()) await ask(client, index);
    expect(kept()).toBe(MAX_KEPT);
    // all at once: those that inflate at the moment keep theirs
    for (let round = 0; round < 3; round++)
      await Promise.all(clients.map((client) => ask(client, round, 'x'.repeat(100_000))));
    expect(kept()).toBe(MAX_KEPT);
    for (const client of clients) client.tcp.destroy();
    await until('no clients', () => connected.every(({ connected: isConnected }) => !isConnected));
    expect(kept()).toBe(0);
  });

  it('keep their context for clients that may use one', async () => {
    const adapter = { perMessageDeflate: { clientNoContextTakeover: false } };
    const app = await startApp({ providers: [BareGateway] }, { adapter });
    const client = await app.connect('/ws', { perMessageDeflate: { threshold: 0 } });
    for (let i = 0; i < 3; i++) client.send({ event: '$ping', id: i, data: 'the same text again and again' });
    for (let i = 0; i < 3; i++) expect((await client.next('$ping')).ack).toBe(i);
  });
});
