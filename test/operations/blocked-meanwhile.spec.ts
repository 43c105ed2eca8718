import type { EnvelopeOptions } from '../../lib/index.js';
import { socketIO } from '../../lib/socketio/index.js';
import { RecoveringClient } from '../recovery/recovery-client.js';
import { IoClient } from '../socketio-clients/io-client.js';
import { startApp } from '../support/app.js';
import { requestUpgrade } from '../support/upgrade.js';
import { deferred } from '../support/wait.js';
import { GuardedGateway, OpenGateway } from './fixture.js';

const HOUR = 3_600_000;
const ADDRESS = { address: '127.0.0.1' };

/** A function of the application that a connection waits for. */
class Gate {
  readonly reached = deferred();
  readonly opened = deferred();

  async pass<Result>(result: Result): Promise<Result> {
    this.reached.resolve();
    await this.opened.promise;
    return result;
  }
}

describe('EnvelopeOperations.block, while a client connects', () => {
  let gate: Gate;
  beforeEach(() => {
    gate = new Gate();
  });
  const waiting = (options: EnvelopeOptions = {}): { adapter: EnvelopeOptions } => ({
    adapter: { ...options, verifyClient: () => gate.pass(true) },
  });

  it('refuses it after the checks of the application', async () => {
    const app = await startApp({ providers: [OpenGateway] }, waiting());
    const upgrade = requestUpgrade(app.port, '/open');
    await gate.reached.promise;
    app.adapter.operations.block(ADDRESS, { duration: HOUR });
    gate.opened.resolve();
    expect((await upgrade).status).toBe(429);
  });

  it('refuses it after them, where it comes with Socket.IO', async () => {
    const app = await startApp({ providers: [OpenGateway] }, waiting({ transports: [socketIO()] }));
    const client = new IoClient(`http://127.0.0.1:${app.port}/open`);
    await gate.reached.promise;
    app.adapter.operations.block(ADDRESS, { duration: HOUR });
    gate.opened.resolve();
    await client.refused();
    client.destroy();
  });

  it.each([ADDRESS, { user: 1 }])(
    'refuses it after the search for its session, and keeps that: %j',
    async (target) => {
      let isHeld = false;
      const restore = <Session>(_: unknown, session: Session): Session | Promise<Session> =>
        isHeld ? gate.pass(session) : session;
      const app = await startApp({ providers: [GuardedGateway] }, { adapter: { recovery: { restore } } });
      const eve = await new RecoveringClient({ id: 1 }).connect(app);
      await eve.cut();
      isHeld = true;
      const encoded = Buffer.from(JSON.stringify({ id: 1, session: eve.session, offset: eve.offset }));
      const protocols = ['envelope.v1', `envelope.auth.${encoded.toString('base64url')}`];
      const upgrade = requestUpgrade(app.port, '/ws', { 'Sec-WebSocket-Protocol': protocols.join(', ') });
      await gate.reached.promise;
      app.adapter.operations.block(target, { duration: HOUR });
      gate.opened.resolve();
      expect((await upgrade).status).toBe(429);
      app.adapter.operations.unblock(target);
      isHeld = false;
      expect((await eve.connect(app)).hello.recovered).toBe(true);
    },
  );
});
