import type { BareClient, ConnectOptions, Received } from '../bare-client.js';
import { differs, equal, isText, matches } from '../compare.js';
import type { Suite } from '../suite.js';
import { authOf, type Server, type Session } from './server.js';

type Frame = Received & { offset?: string };

/** A client that keeps its session and offset, as PROTOCOL.md asks. */
class RecoveringClient {
  client!: BareClient;
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
export function declareRecoveryChecks({ itUnless, beforeEach }: Suite, server: Server): void {
  const itRecovers = itUnless(
    server.capabilities.features.includes('recovery') ? undefined : 'the server has no recovery',
  );
  let ada: RecoveringClient;
  let bob: BareClient;
  beforeEach(async () => {
    ada = await new RecoveringClient(server).connect();
    bob = await server.open();
    await bob.settled();
  });

  itRecovers(
    'restores the id, and sends missed messages once, in order and first (15.5, 15.1, 15.2)',
    async () => {
      const { id, session } = ada.session;
      await bob.ask('tell', 'before');
      equal(await ada.newEvents(), ['before']);
      await ada.cutConnection();
      for (const text of ['one', 'two', 'three']) await bob.ask('tell', text);
      const { offset } = ada;
      await ada.connect();
      matches(ada.session, { id, recovered: true, session: isText });
      differs(ada.session.session, session);
      equal('offset' in Object(ada.client.frames[0]), false);
      await bob.ask('tell', 'after');
      equal(await ada.newEvents(), ['one', 'two', 'three', 'after']);
      // no message stands between $session and the missed ones
      const names = ada.client.frames.map(({ event }) => event);
      equal(names.slice(0, 4), ['$session', 'told', 'told', 'told']);
      differs(ada.offset, offset);
    },
  );

  itRecovers('recovers repeatedly, each time with a new token (15.1)', async () => {
    const tokens = new Set([ada.session.session]);
    const { id } = ada.session;
    for (let round = 0; round < 3; round++) {
      await ada.cutConnection();
      await bob.ask('tell', round);
      await ada.connect();
      matches(ada.session, { id, recovered: true });
      equal(await ada.newEvents(), [round]);
      tokens.add(ada.session.session);
    }
    equal(tokens.size, 4);
  });

  itRecovers('does not keep responses or results of handlers (15.8)', async () => {
    ada.client.send({ event: 'hold', id: 1 });
    await ada.cutConnection();
    await bob.ask('release', 'late');
    await bob.ask('tell', 'kept');
    await ada.connect();
    await ada.newEvents();
    equal(ada.session.recovered, true);
    equal(
      ada.client.frames.filter(({ ack, data }) => ack === 1 || data === 'late'),
      [],
    );
  });

  itRecovers.each([
    ['an unknown token', { session: 'x.y' }],
    ['an invalid offset', { offset: 'x' }],
    ['no offset', { offset: undefined }],
  ])('starts a new session for %s (15.6)', async (_, credentials) => {
    const { id } = ada.session;
    await ada.cutConnection();
    await ada.connect(credentials);
    equal(ada.session.recovered, false);
    differs(ada.session.id, id);
  });

  itRecovers('accepts a token once (15.1, 15.6)', async () => {
    const { session } = ada.session;
    await ada.cutConnection();
    await ada.connect();
    equal(ada.session.recovered, true);
    await ada.cutConnection();
    await ada.connect({ session });
    equal(ada.session.recovered, false);
  });

  itRecovers(
    'accepts a token again when the client did not receive the $session that replaced it (15.1)',
    async () => {
      const { id, session } = ada.session;
      const { offset } = ada;
      await ada.cutConnection();
      await bob.ask('tell', 'missed');
      // as if nothing had arrived: the client does not even send a pong
      await ada.connect({}, { autoPong: false });
      equal(ada.session.recovered, true);
      ada.client.ws.terminate();
      await ada.client.ended();
      await ada.connect({ session, offset });
      matches(ada.session, { id, recovered: true });
      equal((await ada.newEvents()).includes('missed'), true);
    },
  );

  itRecovers.each([
    ['1000', 1000],
    ['no code', undefined],
  ])('ends the session of a client that closes with %s (15.9)', async (_, code) => {
    await ada.newEvents();
    ada.client.close(code);
    await ada.client.ended();
    await ada.connect();
    equal(ada.session.recovered, false);
  });

  itRecovers('keeps the session of a client that closes with another code (15.9)', async () => {
    await ada.newEvents();
    ada.client.close(4000);
    await ada.client.ended();
    await ada.connect();
    equal(ada.session.recovered, true);
  });

  itRecovers('ends the session of a client that the application disconnects (15.6)', async () => {
    ada.client.send({ event: 'goodbye' });
    equal((await ada.client.ended()).code, 1000);
    await ada.connect();
    equal(ada.session.recovered, false);
  });

  itRecovers(
    'closes the old connection with 1000 when the server still considers it open (15.10)',
    async () => {
      await ada.newEvents();
      const { client } = ada;
      const { id } = ada.session;
      await ada.connect();
      matches(ada.session, { id, recovered: true });
      equal((await client.ended()).code, 1000);
      await bob.ask('tell', 'here');
      equal(await ada.newEvents(), ['here']);
    },
  );
}
