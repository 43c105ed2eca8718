import { startBareApp } from '../support/bare-gateway.js';
import { COMPRESSED, textOf } from '../support/deflate.js';
import { RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

interface Message {
  event: string;
  data: { session?: string; recovered?: boolean };
  offset: string;
}

describe('a session that is resumed', () => {
  expectNoUnhandledErrors();

  it('gets the messages that it missed in order, each compressed on its own', async () => {
    const adapter = { perMessageDeflate: true, recovery: true, pingInterval: 0 };
    const { app, server } = await startBareApp(adapter);
    const connect = (credentials: object): Promise<RawClient> => {
      const auth = Buffer.from(JSON.stringify(credentials)).toString('base64url');
      const protocols = `envelope.v1, envelope.auth.${auth}`;
      const headers = {
        'Sec-WebSocket-Protocol': protocols,
        'Sec-WebSocket-Extensions': 'permessage-deflate',
      };
      return RawClient.connect(app.port, '/ws', headers);
    };
    const read = async (client: RawClient): Promise<Message> =>
      JSON.parse(textOf(await client.frame())) as Message;

    const client = await connect({});
    const { session } = (await read(client)).data;
    server.emit('news', 'seen');
    const { offset } = await read(client);
    client.tcp.destroy();
    await until('the client to leave', () => server.sockets.size === 0);
    const sizes = [1, 2_000, 100_000, 1, 50_000, 2_000];
    for (const size of sizes) server.emit('news', 'ü'.repeat(size));

    const back = await connect({ session, offset });
    expect((await read(back)).data.recovered).toBe(true);
    server.emit('news', 'x'.repeat(1_500));
    const got: [bits: number, size: number][] = [];
    while (got.length <= sizes.length) {
      const frame = await back.frame();
      // the ping tells the server that the client has its new session
      if (frame.opcode !== 1) continue;
      const message = JSON.parse(textOf(frame)) as { event: string; data: string };
      if (message.event === 'news') got.push([frame.rsv, message.data.length]);
    }
    const expected = [...sizes, 1_500].map((size) => [size > 1 ? COMPRESSED : 0, size]);
    expect(got).toEqual(expected);
  });
});
