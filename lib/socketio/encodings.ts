import { PacketEncoding } from './packet-encoding.js';

/**
 * The encodings of the namespaces that clients are in: one object for all clients of a namespace, so that a broadcast is
 * encoded once for them. Clients choose names, within patterns: an encoding is dropped with its last client.
 */
export class Encodings {
  private readonly byNamespace = new Map<string, { readonly encoding: PacketEncoding; users: number }>();

  /** Returns the encoding of a namespace for one more client. */
  acquire(namespace: string): PacketEncoding {
    let entry = this.byNamespace.get(namespace);
    if (entry === undefined)
      this.byNamespace.set(namespace, (entry = { encoding: new PacketEncoding(namespace), users: 0 }));
    entry.users++;
    return entry.encoding;
  }

  /** Releases what {@link acquire} returned. */
  release({ namespace }: PacketEncoding): void {
    const entry = this.byNamespace.get(namespace);
    if (entry !== undefined && --entry.users === 0) this.byNamespace.delete(namespace);
  }
}
