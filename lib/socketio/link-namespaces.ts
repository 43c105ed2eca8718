import { isDeeperThan } from '../protocol/json.js';
import { MAX_DELAY } from '../protocol/max-delay.js';
import { detach } from '../protocol/detach.js';
import type { ClosedInfo, DisconnectReason } from '../server/transport/disconnect-reason.js';
import { concretePath } from '../server/upgrade/path-pattern.js';
import type { TransportHost } from '../server/upgrade/transport.js';
import type { CarrierRequest } from './carrier-request.js';
import { readControlPacket } from './control-packets.js';
import type { Link, LinkMember } from './link.js';
import type { Encodings } from './encodings.js';
import { NamespaceRequest } from './namespace-request.js';
import type { PacketEncoding } from './packet-encoding.js';

/** Levels of nested objects in the credentials of CONNECT, as in messages by default. */
const MAX_AUTH_DEPTH = 64;

const LEFT: ClosedInfo = { code: 1005, reason: '', wasClean: true, initiator: 'client' };

/** What a link knows of the transport that it belongs to. */
export interface LinkSettings {
  readonly host: TransportHost;
  readonly encodings: Encodings;
  readonly maxNamespaces: number;
  readonly maxAttachments: number;
}

/** The namespaces that one client has joined, or is joining, over one link. */
export class LinkNamespaces {
  private readonly joined = new Map<string, LinkMember>();
  /** Requests to join whose guards run. */
  private readonly pending = new Map<string, NamespaceRequest>();
  /** Ends a link that is in no namespace. */
  private idleTimer: NodeJS.Timeout | undefined;
  private hasEnded = false;

  constructor(
    private readonly link: Link,
    private readonly request: CarrierRequest,
    private readonly settings: LinkSettings,
  ) {
    this.startIdleTimer();
  }

  get(namespace: string): LinkMember | undefined {
    return this.joined.get(namespace);
  }

  /** The connections to all namespaces that the client has joined. */
  get all(): LinkMember[] {
    return [...this.joined.values()];
  }

  /** Whether the client has joined no namespace. */
  get isEmpty(): boolean {
    return this.joined.size === 0;
  }

  /** Handles CONNECT. @returns whether the packet is well-formed */
  connect(text: string): boolean {
    const packet = readControlPacket(text.slice(1));
    if (packet === undefined || isDeeperThan(text, MAX_AUTH_DEPTH)) return false;
    const { nsp, data = {} } = packet;
    // real clients send CONNECT twice: by `io.socket()`, and by the application's own `connect()`
    if (this.joined.has(nsp) || this.pending.has(nsp)) return true;
    const namespace = detach(nsp);
    const { encodings, host, maxNamespaces } = this.settings;
    const encoding = encodings.acquire(namespace);
    const path = concretePath(namespace);
    // escapes in another than the normal form would be further names of one namespace
    const isNormal = path === namespace || !namespace.includes('%');
    const found = isNormal ? host.find(path) : undefined;
    if (found === undefined || this.joined.size + this.pending.size >= maxNamespaces) {
      this.link.sendConnectError(encoding, {
        message: found === undefined ? 'Invalid namespace' : 'Too many namespaces',
      });
      encodings.release(encoding);
      return true;
    }
    const request = new NamespaceRequest(
      this.link,
      encoding,
      this.request.copy(),
      data as Record<string, unknown>,
    );
    this.pending.set(namespace, request);
    found.endpoint.connect(request, path, found.params);
    return true;
  }

  /** A request to join was accepted. */
  accepted({ namespace }: PacketEncoding, connection: LinkMember): void {
    this.pending.delete(namespace);
    this.joined.set(namespace, connection);
    clearTimeout(this.idleTimer);
    // a timer that has ended takes memory, too
    this.idleTimer = undefined;
  }

  /** A request to join was refused, or abandoned. */
  refused(encoding: PacketEncoding): void {
    if (this.pending.delete(encoding.namespace)) this.settings.encodings.release(encoding);
  }

  /** A connection has left its namespace. */
  left(encoding: PacketEncoding): void {
    if (!this.joined.delete(encoding.namespace)) return;
    this.settings.encodings.release(encoding);
    if (this.isEmpty && !this.hasEnded) this.startIdleTimer();
  }

  /** Handles DISCONNECT. */
  disconnect(namespace: string): void {
    this.pending.get(namespace)?.abandon();
    this.joined.get(namespace)?.lost('client namespace disconnect', LEFT);
  }

  /** Disconnects the client from all namespaces: the link ends. */
  end(reason: DisconnectReason, closed: ClosedInfo): void {
    this.hasEnded = true;
    clearTimeout(this.idleTimer);
    for (const request of this.pending.values()) request.abandon();
    for (const connection of this.joined.values()) connection.lost(reason, closed);
  }

  private startIdleTimer(): void {
    const { connectTimeout } = this.settings.host;
    // a timer with a longer delay would expire at once
    if (connectTimeout > MAX_DELAY) return;
    this.idleTimer = setTimeout(() => this.link.end('forced close'), connectTimeout);
    this.idleTimer.unref();
  }
}
