import type { IncomingMessage } from 'node:http';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { Connection, ConnectionWatcher } from '../transport/connection.js';
import type { HttpRefusal } from './http-refusal.js';

/** A client that asks to connect, on any transport, until it is accepted or refused. */
export interface ConnectionRequest {
  /** The HTTP request that the client connects with. */
  readonly request: IncomingMessage;
  /** Whether the client has left. */
  readonly isClosed: boolean;
  /** Calls back when the client leaves before it is accepted. @returns a function that removes the callback */
  onClosed(callback: () => void): () => void;
  /** Checks what the transport itself demands of the request. Calls back once, before it returns. */
  check(done: (refused: HttpRefusal | undefined) => void): void;
  /** Returns the connection, before it is open: what is sent on it waits. The same one at each call. */
  connection(limits: ConnectionLimits): Connection;
  /**
   * Opens the connection.
   *
   * @param opened called when it is open, never where the client has left meanwhile
   * @throws what the application's own code throws, such as the option `handleProtocols`
   */
  accept(
    limits: ConnectionLimits,
    watcher: ConnectionWatcher,
    opened: (connection: Connection) => void,
  ): void;
  /** Answers with a refusal, and closes. */
  refuse(refusal: HttpRefusal): void;
  /** Closes without an answer. */
  destroy(): void;
}
