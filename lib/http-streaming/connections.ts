import type { HttpConnection } from './http-connection.js';
import { ConnectionKeys } from './connection-keys.js';
import { refusal, type HttpRefusal } from '../server/upgrade/http-refusal.js';
import { GONE } from './post-queue.js';

/** Closed connections that are remembered at most. */
const MAX_CLOSED = 10_000;

const NO_KEY = refusal(400, 'The header Envelope-Line is missing, or is no key of a connection');
// not 421: browsers send a request again after it, and Node's `fetch` fails at that
const OTHER_NODE = refusal(404, 'The connection is on another node');

/** A connection, and what its requests have to show beside its key. */
interface OpenConnection {
  readonly connection: HttpConnection;
  /** The path that it was opened on. */
  readonly path: string;
  /** Whether a request comes from the client that has opened it. */
  readonly isOwn: (request: { readonly headers: NodeJS.Dict<string | string[]> }) => boolean;
}

/** The connections of one port, by their keys. Those that have closed stay for a while: the client may not know yet. */
export class Connections {
  private readonly byId = new Map<string, OpenConnection>();
  private readonly closed = new Map<string, NodeJS.Timeout>();
  private readonly keys: ConnectionKeys;

  constructor(node: string) {
    this.keys = new ConnectionKeys(node);
  }

  create(): { readonly id: string; readonly key: string } {
    return this.keys.create();
  }

  add(id: string, open: OpenConnection): void {
    this.byId.set(id, open);
  }

  /** Finds the connection of a request by its header. */
  find(path: string, key: string | string[] | undefined): OpenConnection | HttpRefusal {
    const verdict = typeof key === 'string' ? this.keys.read(key) : 'malformed';
    if (verdict === 'malformed') return NO_KEY;
    if (verdict === 'other node') return OTHER_NODE;
    const found = verdict === 'wrong' ? undefined : this.byId.get(verdict.id);
    return found?.path === path ? found : GONE;
  }

  /** A connection has closed. @param milliseconds for which it can still be asked why */
  ended(id: string, milliseconds: number): void {
    if (this.byId.get(id)?.connection.tellsItsEnd !== true || this.closed.size >= MAX_CLOSED)
      return void this.byId.delete(id);
    const forget = setTimeout(() => this.forget(id), milliseconds);
    forget.unref();
    this.closed.set(id, forget);
  }

  private forget(id: string): void {
    clearTimeout(this.closed.get(id));
    this.closed.delete(id);
    this.byId.delete(id);
  }

  /** Forgets all closed connections. */
  clear(): void {
    for (const id of [...this.closed.keys()]) this.forget(id);
  }
}
