import { equal } from '../compare.js';
import { collect, type Check } from '../suite.js';
import type { ClientUnderTest } from './client-under-test.js';
import { declareDisconnectChecks } from './disconnect.js';
import type { ClientFixture } from './fixture.js';
import { declareMessageChecks } from './messages.js';
import { declareReconnectChecks } from './reconnect.js';
import { declareRenewalChecks } from './renewal.js';
import { ScriptedServer } from './scripted-server.js';

/** Returns all checks of PROTOCOL.md against a client. @param make starts the client */
export function clientChecks(make: () => ClientUnderTest): Check[] {
  const fixture: ClientFixture = {
    server: undefined!,
    client: undefined!,
    async connect(hello, offset, auth) {
      fixture.client.do({ do: 'connect', url: fixture.server.url, ...(auth && { auth }) });
      const connection = await fixture.server.connection();
      connection.sendSession(hello, offset);
      await fixture.client.reports.next('connected');
      return connection;
    },
  };
  return collect((suite) => {
    suite.beforeEach(async () => {
      fixture.server = await ScriptedServer.start();
      fixture.client = make();
    });
    suite.afterEach(async () => {
      await fixture.client?.stop();
      await fixture.server.stop();
      equal(
        fixture.server.all.flatMap(({ violations }) => violations),
        [],
      );
    });
    suite.describe('messages', () => declareMessageChecks(suite, fixture));
    suite.describe('disconnecting', () => declareDisconnectChecks(suite, fixture));
    suite.describe('reconnecting', () => declareReconnectChecks(suite, fixture));
    suite.describe('renewing', () => declareRenewalChecks(suite, fixture));
  });
}
