import { equal, matches } from '../compare.js';
import type { Suite } from '../suite.js';
import type { ClientFixture } from './fixture.js';
import type { ClientConnection } from './scripted-server.js';

/** Declares the checks of PROTOCOL.md, section 15. */
export function declareReconnectChecks({ it }: Suite, fixture: ClientFixture): void {
  /** Terminates the connection. Resolves with the next connection of the client. */
  const terminate = async (connection: ClientConnection): Promise<ClientConnection> => {
    connection.ws.terminate();
    await fixture.client.reports.next('closed');
    return fixture.server.connection();
  };

  it('sends its session and the last offset, from any kind of message (15.2, 15.3)', async () => {
    let connection = await fixture.connect({ session: 's1' }, 'o1', { token: 't' });
    connection = await terminate(connection);
    equal(connection.auth, { token: 't', session: 's1', offset: 'o1' });
    connection.sendSession({ session: 's2', recovered: true });
    matches(await fixture.client.reports.next('connected'), { recovered: true, id: 'socket' });
    // without a new offset, it keeps the last one
    connection = await terminate(connection);
    equal(connection.auth, { token: 't', session: 's2', offset: 'o1' });
    connection.sendSession({ session: 's3', recovered: true });
    await fixture.client.reports.next('connected');
    connection.send({ event: 'said', data: 'missed', offset: 'o2' });
    matches(await fixture.client.reports.next('event'), { data: 'missed' });
    connection.send({ event: '$offset', offset: 'o3' });
    await connection.settled();
    connection = await terminate(connection);
    equal(connection.auth, { token: 't', session: 's3', offset: 'o3' });
    connection.sendSession({ session: 's4', recovered: true });
    // a client may refuse to send before
    await fixture.client.reports.next('connected');
    fixture.client.do({ do: 'ask', key: 'a', event: 'sum' });
    connection.send({ ack: (await connection.next('sum')).id!, data: 1, offset: 'o4' });
    await fixture.client.reports.next('answer', 'a');
    connection = await terminate(connection);
    equal(connection.auth, { token: 't', session: 's4', offset: 'o4' });
  });

  it('receives missed events first and in order (15.5)', async () => {
    const connection = await terminate(await fixture.connect({ session: 's1' }, 'o1'));
    connection.sendSession({ session: 's2', recovered: true });
    for (const data of ['one', 'two', 'three'])
      connection.send({ event: 'said', data, offset: `after ${data}` });
    for (const data of ['one', 'two', 'three'])
      equal(await fixture.client.reports.next('event'), { tell: 'event', event: 'said', data });
  });

  it('sends the same token again when no $session arrived (4.4, 15.1)', async () => {
    let connection = await terminate(await fixture.connect({ session: 's1' }, 'o1'));
    connection = await terminate(connection);
    equal(connection.auth, { session: 's1', offset: 'o1' });
  });

  it('starts a new session when the server does not recover the old one, and reports it (15.6)', async () => {
    let connection = await terminate(await fixture.connect({ session: 's1' }, 'o1'));
    connection.sendSession({ session: 'n1', id: 'another', recovered: false }, 'p1');
    matches(await fixture.client.reports.next('connected'), { recovered: false, id: 'another' });
    connection = await terminate(connection);
    equal(connection.auth, { session: 'n1', offset: 'p1' });
  });

  it('sends no session to a server without recovery (15.3)', async () => {
    const connection = await terminate(await fixture.connect({}, undefined, { token: 't' }));
    equal(connection.auth, { token: 't' });
  });

  it('drops its session when the next server has no recovery (15.1)', async () => {
    let connection = await terminate(await fixture.connect({ session: 's1' }, 'o1'));
    connection.sendSession();
    await fixture.client.reports.next('connected');
    connection = await terminate(connection);
    equal(connection.auth?.['session'], undefined);
  });

  it('drops its session when it disconnects (15.9)', async () => {
    const connection = await fixture.connect({ session: 's1' }, 'o1');
    fixture.client.do({ do: 'disconnect' });
    await connection.closed.take();
    await fixture.client.reports.next('closed');
    const next = await fixture.connect();
    equal(next.auth?.['session'], undefined);
  });

  it('sends no request again (8.5)', async () => {
    let connection = await fixture.connect({ session: 's1' }, 'o1');
    fixture.client.do({ do: 'ask', key: 'a', event: 'pay' });
    fixture.client.do({ do: 'stream', key: 's', event: 'ticks' });
    await connection.next('pay');
    await connection.next('ticks');
    connection = await terminate(connection);
    await fixture.client.reports.next('failed', 'a');
    await fixture.client.reports.next('failed', 's');
    connection.sendSession({ session: 's2', recovered: true });
    await fixture.client.reports.next('connected');
    await connection.settled();
    equal(
      connection.frames.all.filter(({ event }) => event === 'pay' || event === 'ticks'),
      [],
    );
  });
}
