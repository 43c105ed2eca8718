import type { ConnectOptions, Received, TestClient } from '../../support/client.js';
import { authOf, type Server, type Session } from './server.js';

type Frame = Received & { offset?: string };

/** A client that keeps its session and offset, as PROTOCOL.md asks. */
class RecoveringClient {
  client!: TestClient;
  session!: Session;
  offset: string | undefined;
  private seen = 0;
  private unread: unknown[] = [];

  constructor(private readonly server: Server) {}

  async connect(credentials: object = {}, options: ConnectOptions = {}): Promise<this> {
    const auth = authOf({ session: this.session?.session, offset: this.offset, ...credentials });
    this.client = await this.server.open('', { protocols: ['envelope.v1', auth], ...options });
    this.seen = 0;
    this.session = (await this.client.next('$session')).data as Session;
    this.collect();
    return this;
  }

  /** Returns the data of the `told` events since the last call. */
  async newEvents(): Promise<unknown[]> {
    await this.client.settled();
    this.collect();
    return this.unread.splice(0);
  }

  async cutConnection(): Promise<void> {
    await this.newEvents();
    this.client.ws.terminate();
    await this.client.ended();
  }

  private collect(): void {
    const fresh = (this.client.frames as Frame[]).slice(this.seen);
    this.seen = this.client.frames.length;
    for (const { offset } of fresh) if (offset !== undefined) this.offset = offset;
    for (const { event, ack, data } of fresh)
      if (event === 'told' && ack === undefined) this.unread.push(data);
  }
}

/**
 * Declares the checks of PROTOCOL.md, section 15. Skips them when `features` of the server does not include
 * recovery.
 */
export function declareRecoveryChecks(server: Server): void {
  const itRecovers = server.capabilities.features.includes('recovery') ? it : it.skip;
  let ada: RecoveringClient;
  let bob: TestClient;
  beforeEach(async () => {
    ada = await new RecoveringClient(server).connect();
    bob = await server.open();
    await bob.settled();
  });

  itRecovers('restores the id, and sends missed messages once, in order and first', async () => {
    const { id, session } = ada.session;
    await bob.ask('tell', 'before');
    expect(await ada.newEvents()).toEqual(['before']);
    await ada.cutConnection();
    for (const text of ['one', 'two', 'three']) await bob.ask('tell', text);
    const { offset } = ada;
    await ada.connect();
    expect(ada.session).toMatchObject({ id, recovered: true, session: expect.any(String) });
    expect(ada.session.session).not.toBe(session);
    expect(ada.client.frames[0]).not.toHaveProperty('offset');
    await bob.ask('tell', 'after');
    expect(await ada.newEvents()).toEqual(['one', 'two', 'three', 'after']);
    // no message stands between $session and the missed ones
    const names = ada.client.frames.map(({ event }) => event);
    expect(names.slice(0, 4)).toEqual(['$session', 'told', 'told', 'told']);
    expect(ada.offset).not.toBe(offset);
  });

  itRecovers('recovers repeatedly, each time with a new token', async () => {
    const tokens = new Set([ada.session.session]);
    const { id } = ada.session;
    for (let round = 0; round < 3; round++) {
      await ada.cutConnection();
      await bob.ask('tell', round);
      await ada.connect();
      expect(ada.session).toMatchObject({ id, recovered: true });
      expect(await ada.newEvents()).toEqual([round]);
      tokens.add(ada.session.session);
    }
    expect(tokens.size).toBe(4);
  });

  itRecovers('does not keep responses or results of handlers', async () => {
    ada.client.send({ event: 'hold', id: 1 });
    await ada.cutConnection();
    await bob.ask('release', 'late');
    await bob.ask('tell', 'kept');
    await ada.connect();
    await ada.newEvents();
    expect(ada.session.recovered).toBe(true);
    expect(ada.client.frames.filter(({ ack, data }) => ack === 1 || data === 'late')).toEqual([]);
  });

  itRecovers.each([
    ['an unknown token', { session: 'x.y' }],
    ['an invalid offset', { offset: 'x' }],
    ['no offset', { offset: undefined }],
  ])('starts a new session for %s', async (_, credentials) => {
    const { id } = ada.session;
    await ada.cutConnection();
    await ada.connect(credentials);
    expect(ada.session.recovered).toBe(false);
    expect(ada.session.id).not.toBe(id);
  });

  itRecovers('accepts a token once', async () => {
    const { session } = ada.session;
    await ada.cutConnection();
    await ada.connect();
    expect(ada.session.recovered).toBe(true);
    await ada.cutConnection();
    await ada.connect({ session });
    expect(ada.session.recovered).toBe(false);
  });

  itRecovers(
    'accepts a token again when the client did not receive the $session that replaced it',
    async () => {
      const { id, session } = ada.session;
      const { offset } = ada;
      await ada.cutConnection();
      await bob.ask('tell', 'missed');
      // as if nothing had arrived: the client does not even send a pong
      await ada.connect({}, { autoPong: false });
      expect(ada.session.recovered).toBe(true);
      ada.client.ws.terminate();
      await ada.client.ended();
      await ada.connect({ session, offset });
      expect(ada.session).toMatchObject({ id, recovered: true });
      expect(await ada.newEvents()).toContain('missed');
    },
  );

  itRecovers.each([
    ['1000', 1000],
    ['no code', undefined],
  ])('ends the session of a client that closes with %s', async (_, code) => {
    await ada.newEvents();
    ada.client.close(code);
    await ada.client.ended();
    await ada.connect();
    expect(ada.session.recovered).toBe(false);
  });

  itRecovers('keeps the session of a client that closes with another code', async () => {
    await ada.newEvents();
    ada.client.close(4000);
    await ada.client.ended();
    await ada.connect();
    expect(ada.session.recovered).toBe(true);
  });

  itRecovers('ends the session of a client that the application disconnects', async () => {
    ada.client.send({ event: 'goodbye' });
    expect((await ada.client.ended()).code).toBe(1000);
    await ada.connect();
    expect(ada.session.recovered).toBe(false);
  });

  itRecovers('closes the old connection with 1000 when the server still considers it open', async () => {
    await ada.newEvents();
    const { client } = ada;
    const { id } = ada.session;
    await ada.connect();
    expect(ada.session).toMatchObject({ id, recovered: true });
    expect((await client.ended()).code).toBe(1000);
    await bob.ask('tell', 'here');
    expect(await ada.newEvents()).toEqual(['here']);
  });
}
