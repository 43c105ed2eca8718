import type { ScriptedServer, Visit } from './scripted-server.js';
import type { Subject } from './clients.js';

/** A client, and a server that says what a test has it say. */
export interface Bench {
  server: ScriptedServer;
  subject: Subject;
  /** The client connects, and gets a `$session`. */
  connect(hello?: object, offset?: string, auth?: object): Promise<Visit>;
}
