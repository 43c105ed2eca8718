import type { ScriptedServer, ClientConnection } from './scripted-server.js';
import type { ClientUnderTest } from './client-under-test.js';

/** A client under test and its scripted server. */
export interface ClientFixture {
  server: ScriptedServer;
  client: ClientUnderTest;
  /** Connects the client and sends it `$session`. */
  connect(hello?: object, offset?: string, auth?: object): Promise<ClientConnection>;
}
