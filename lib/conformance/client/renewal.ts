import { differs, equal } from '../compare.js';
import type { Suite } from '../suite.js';
import type { ClientFixture } from './fixture.js';
import type { ClientConnection } from './scripted-server.js';

/** Milliseconds for which credentials are valid. */
const LIFETIME = 1_000;
const AUTH = { token: 't' };
const FEATURES = ['ack', 'stream', 'cancel', 'ping', 'auth'];
/** The clock of this server is an hour slow. */
const EXPIRY = { expiresAt: Date.now() - 3_600_000, expiresIn: LIFETIME };

/** Declares the checks of PROTOCOL.md, "Renewal". */
export function declareRenewalChecks({ it }: Suite, fixture: ClientFixture): void {
  const connect = (features: readonly string[] = FEATURES): Promise<ClientConnection> =>
    fixture.connect({ features, ...EXPIRY }, undefined, AUTH);

  /** Resolves with the id of the next `$auth`, which must come in the last half of the lifetime that begins now. */
  async function nextAuth(connection: ClientConnection): Promise<string | number> {
    const passed: string[] = [];
    const timers = [0.5, 1].map((part) => setTimeout(() => passed.push(`${part}`), part * LIFETIME));
    const { data, id } = await connection.next('$auth');
    for (const timer of timers) clearTimeout(timer);
    equal([passed, data], [['0.5'], AUTH]);
    differs(id, undefined);
    return id!;
  }

  it('sends fresh credentials before the present ones expire, again and again (13.2)', async () => {
    const connection = await connect();
    connection.send({ event: '$auth', ack: await nextAuth(connection), data: EXPIRY });
    const id = await nextAuth(connection);
    // now they do not expire
    connection.send({ event: '$auth', ack: id });
    await connection.settled();
  });

  it('stays connected after a refusal, and sends one $auth at a time (13.3, 13.5)', async () => {
    const connection = await connect();
    const id = await nextAuth(connection);
    await connection.settled();
    equal(
      connection.frames.open.filter(({ event }) => event === '$auth'),
      [],
    );
    connection.send({ event: 'exception', ack: id, data: { status: 'error', message: 'no' } });
    await connection.settled();
    connection.ws.close(4401, 'expired');
    await fixture.client.reports.next('closed');
    equal((await fixture.server.connection()).auth, AUTH);
  });

  it('sends no $auth to a server without the feature (12.2, 13.2)', async () => {
    const connection = await connect(FEATURES.slice(0, -1));
    await new Promise((resolve) => setTimeout(resolve, LIFETIME));
    await connection.settled();
    equal(
      connection.frames.all.filter(({ event }) => event === '$auth'),
      [],
    );
  });
}
