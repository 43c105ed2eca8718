import { atLeast, differs, equal } from '../compare.js';
import { ConformanceError, type Suite } from '../suite.js';
import type { ClientFixture } from './fixture.js';
import type { ClientConnection } from './scripted-server.js';

/** Milliseconds for which credentials are valid. */
const LIFETIME = 2_000;
const AUTH = { token: 't' };
const FEATURES = ['ack', 'stream', 'cancel', 'ping', 'auth'];
/** The clock of this server is an hour slow. */
const EXPIRY = { expiresAt: Date.now() - 3_600_000, expiresIn: LIFETIME };

/** Declares the checks of PROTOCOL.md, "Renewal". */
export function declareRenewalChecks({ it }: Suite, fixture: ClientFixture): void {
  const connect = (features: readonly string[] = FEATURES): Promise<ClientConnection> =>
    fixture.connect({ features, ...EXPIRY }, undefined, AUTH);

  /**
   * Resolves with the id of the next `$auth`, which must come in the last half of the lifetime that began at this time. A busy
   * machine delays both sides. So the server asks a question when the lifetime ends: a client that is in time answers it later.
   */
  async function nextAuth(connection: ClientConnection, began: number): Promise<string | number> {
    const question = `end of ${began}`;
    const end = setTimeout(
      () => connection.send({ event: 'question', id: question }),
      began + LIFETIME - performance.now(),
    );
    const { event, ack, data, id } = await connection.frames
      .take((frame) => frame.event === '$auth' || frame.ack === question)
      .finally(() => clearTimeout(end));
    if (ack !== undefined || event !== '$auth')
      throw new ConformanceError('it sent no $auth before its credentials expired');
    atLeast(performance.now() - began, LIFETIME / 2);
    equal(data, AUTH);
    differs(id, undefined);
    return id!;
  }

  it('sends fresh credentials before the present ones expire, again and again (13.2)', async () => {
    const connection = await connect();
    const ack = await nextAuth(connection, connection.greetedAt);
    const renewedAt = performance.now();
    connection.send({ event: '$auth', ack, data: EXPIRY });
    const id = await nextAuth(connection, renewedAt);
    // now they do not expire
    connection.send({ event: '$auth', ack: id });
    await connection.settled();
  });

  it('stays connected after a refusal, and sends one $auth at a time (13.3, 13.5)', async () => {
    const connection = await connect();
    const id = await nextAuth(connection, connection.greetedAt);
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
