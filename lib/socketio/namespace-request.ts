import type { IncomingMessage } from 'node:http';
import type { ClientInfo } from '../server/handshake/client-info.js';
import type { Connection } from '../server/transport/connection.js';
import type { ConnectionRequest, ConnectionTerms } from '../server/upgrade/connection-request.js';
import type { HttpRefusal } from '../server/upgrade/http-refusal.js';
import type { Link } from './link.js';
import { NamespaceConnection } from './namespace-connection.js';
import type { PacketEncoding } from './packet-encoding.js';

/** A client's request to join a namespace: the packet CONNECT, until CONNECT or CONNECT_ERROR answers it. */
export class NamespaceRequest implements ConnectionRequest {
  isClosed = false;
  private created: NamespaceConnection | undefined;
  private readonly closeCallbacks = new Set<() => void>();

  constructor(
    private readonly link: Link,
    private readonly encoding: PacketEncoding,
    readonly httpRequest: IncomingMessage,
    readonly auth: Readonly<Record<string, unknown>>,
  ) {}

  get carriedFor(): ClientInfo {
    return this.link.clientInfo;
  }

  onClosed(callback: () => void): () => void {
    this.closeCallbacks.add(callback);
    return () => this.closeCallbacks.delete(callback);
  }

  check(done: (refused: HttpRefusal | undefined) => void): void {
    done(undefined);
  }

  connection({ limits }: ConnectionTerms): NamespaceConnection {
    return (this.created ??= new NamespaceConnection(this.link, this.encoding, limits));
  }

  accept(terms: ConnectionTerms, opened: (connection: Connection) => void): void {
    if (this.isClosed) return;
    const connection = this.connection(terms);
    connection.open(terms.watcher);
    this.link.joined(this.encoding, connection);
    opened(connection);
  }

  refuse({ status, body }: HttpRefusal): void {
    const fields = typeof body === 'object' && body !== null ? body : { message: body };
    const { message } = fields as { message?: unknown };
    this.link.refused(this.encoding, {
      message: typeof message === 'string' ? message : 'Forbidden',
      data: { status, ...fields },
    });
  }

  destroy(): void {
    this.isClosed = true;
    this.link.refused(this.encoding);
  }

  /** The client has gone, or has left the namespace before it joined. */
  abandon(): void {
    this.isClosed = true;
    for (const callback of this.closeCallbacks) callback();
  }
}
