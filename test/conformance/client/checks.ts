import type { ClientFixture } from './fixture.js';
import { declareDisconnectChecks } from './disconnect.js';
import { declareReconnectChecks } from './reconnect.js';
import { declareRenewalChecks } from './renewal.js';
import { ScriptedServer } from './scripted-server.js';
import type { ClientUnderTest } from './clients.js';
import { declareMessageChecks } from './messages.js';

/** Declares all checks of PROTOCOL.md against a client. */
export function declareChecks(make: () => ClientUnderTest): void {
  const fixture: ClientFixture = {
    server: undefined!,
    client: undefined!,
    async connect(hello, offset, auth) {
      fixture.client.do({ do: 'connect', url: fixture.server.url, ...(auth && { auth }) });
      const connection = await fixture.server.connection();
      connection.sendSession(hello, offset);
      await fixture.client.reported('connected');
      return connection;
    },
  };
  beforeEach(async () => {
    fixture.server = await ScriptedServer.start();
    fixture.client = make();
  });
  afterEach(async () => {
    await fixture.client?.stop();
    await fixture.server.stop();
    expect(fixture.server.all.flatMap(({ violations }) => violations)).toEqual([]);
  });

  describe('messages', () => {
    declareMessageChecks(fixture);
  });
  describe('disconnecting', () => {
    declareDisconnectChecks(fixture);
  });
  describe('reconnecting', () => {
    declareReconnectChecks(fixture);
  });
  describe('renewing', () => {
    declareRenewalChecks(fixture);
  });
}
