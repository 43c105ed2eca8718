import type { ConnectOptions, Received, TestClient } from '../../support/client.js';
import { authOf, type Server, type Session } from './server.js';

type Frame = Received & { offset?: string };

/** What PROTOCOL.md asks a client to keep: two strings. */
class Visitor {
  client!: TestClient;
  hello!: Session;
  offset: string | undefined;
  private seen = 0;
  private untold: unknown[] = [];

  constructor(private readonly server: Server) {}

  async connect(shown: object = {}, options: ConnectOptions = {}): Promise<this> {
    const auth = authOf({ session: this.hello?.session, offset: this.offset, ...shown });
    this.client = await this.server.open('', { protocols: ['envelope.v1', auth], ...options });
    this.seen = 0;
    this.hello = (await this.client.next('$session')).data as Session;
    this.note();
    return this;
  }

  /** What was told since the last look. */
  async told(): Promise<unknown[]> {
    await this.client.settled();
    this.note();
    return this.untold.splice(0);
  }

  async cut(): Promise<void> {
    await this.told();
    this.client.ws.terminate();
    await this.client.ended();
  }

  private note(): void {
    const fresh = (this.client.frames as Frame[]).slice(this.seen);
    this.seen = this.client.frames.length;
    for (const { offset } of fresh) if (offset !== undefined) this.offset = offset;
    for (const { event, ack, data } of fresh)
      if (event === 'told' && ack === undefined) this.untold.push(data);
  }
}

/** PROTOCOL.md, "Coming back". Skipped where the server says in `features` that it cannot do it. */
export function recovery(server: Server): void {
  const itRecovers = server.known.features.includes('recovery') ? it : it.skip;
  let ada: Visitor;
  let bob: TestClient;
  beforeEach(async () => {
    ada = await new Visitor(server).connect();
    bob = await server.open();
    await bob.settled();
  });

  itRecovers('gives the id back, and what was missed, in order and once, before anything else', async () => {
    const { id, session } = ada.hello;
    await bob.ask('tell', 'before');
    expect(await ada.told()).toEqual(['before']);
    await ada.cut();
    for (const text of ['one', 'two', 'three']) await bob.ask('tell', text);
    const { offset } = ada;
    await ada.connect();
    expect(ada.hello).toMatchObject({ id, recovered: true, session: expect.any(String) });
    expect(ada.hello.session).not.toBe(session);
    expect(ada.client.frames[0]).not.toHaveProperty('offset');
    await bob.ask('tell', 'after');
    expect(await ada.told()).toEqual(['one', 'two', 'three', 'after']);
    // nothing stands between $session and what was missed
    const names = ada.client.frames.map(({ event }) => event);
    expect(names.slice(0, 4)).toEqual(['$session', 'told', 'told', 'told']);
    expect(ada.offset).not.toBe(offset);
  });

  itRecovers('does so again and again, each time with a new token', async () => {
    const tokens = new Set([ada.hello.session]);
    const { id } = ada.hello;
    for (let round = 0; round < 3; round++) {
      await ada.cut();
      await bob.ask('tell', round);
      await ada.connect();
      expect(ada.hello).toMatchObject({ id, recovered: true });
      expect(await ada.told()).toEqual([round]);
      tokens.add(ada.hello.session);
    }
    expect(tokens.size).toBe(4);
  });

  itRecovers('does not keep answers, nor results of handlers', async () => {
    ada.client.send({ event: 'hold', id: 1 });
    await ada.cut();
    await bob.ask('release', 'late');
    await bob.ask('tell', 'kept');
    await ada.connect();
    await ada.told();
    expect(ada.hello.recovered).toBe(true);
    expect(ada.client.frames.filter(({ ack, data }) => ack === 1 || data === 'late')).toEqual([]);
  });

  itRecovers.each([
    ['a token that nobody gave', { session: 'x.y' }],
    ['an offset that is none', { offset: 'x' }],
    ['no offset', { offset: undefined }],
  ])('makes a new client of one who shows %s', async (_, shown) => {
    const { id } = ada.hello;
    await ada.cut();
    await ada.connect(shown);
    expect(ada.hello.recovered).toBe(false);
    expect(ada.hello.id).not.toBe(id);
  });

  itRecovers('takes a token once', async () => {
    const { session } = ada.hello;
    await ada.cut();
    await ada.connect();
    expect(ada.hello.recovered).toBe(true);
    await ada.cut();
    await ada.connect({ session });
    expect(ada.hello.recovered).toBe(false);
  });

  itRecovers('takes it again where the line ended before its $session came', async () => {
    const { id, session } = ada.hello;
    const { offset } = ada;
    await ada.cut();
    await bob.ask('tell', 'missed');
    // as if nothing had come: not even a pong goes back
    await ada.connect({}, { autoPong: false });
    expect(ada.hello.recovered).toBe(true);
    ada.client.ws.terminate();
    await ada.client.ended();
    await ada.connect({ session, offset });
    expect(ada.hello).toMatchObject({ id, recovered: true });
    expect(await ada.told()).toContain('missed');
  });

  itRecovers.each([
    ['1000', 1000],
    ['no code', undefined],
  ])('ends the session of a client that closes with %s', async (_, code) => {
    await ada.told();
    ada.client.close(code);
    await ada.client.ended();
    await ada.connect();
    expect(ada.hello.recovered).toBe(false);
  });

  itRecovers('keeps the session of a client that closes with another code', async () => {
    await ada.told();
    ada.client.close(4000);
    await ada.client.ended();
    await ada.connect();
    expect(ada.hello.recovered).toBe(true);
  });

  itRecovers('ends the session of a client that the application sends away', async () => {
    ada.client.send({ event: 'goodbye' });
    expect((await ada.client.ended()).code).toBe(1000);
    await ada.connect();
    expect(ada.hello.recovered).toBe(false);
  });

  itRecovers('closes the old line with 1000 where the server takes it for alive', async () => {
    await ada.told();
    const { client } = ada;
    const { id } = ada.hello;
    await ada.connect();
    expect(ada.hello).toMatchObject({ id, recovered: true });
    expect((await client.ended()).code).toBe(1000);
    await bob.ask('tell', 'here');
    expect(await ada.told()).toEqual(['here']);
  });
}
