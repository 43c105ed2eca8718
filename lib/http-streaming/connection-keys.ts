import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** The node's name, the id of the connection, and the proof that a node has made both. */
const KEY = /^([\w-]{1,64})\.([\w-]{22})\.([\w-]{43})$/;

/** What a key says. */
type KeyVerdict =
  /** A connection of this node, if it still exists. */
  | { readonly id: string }
  /** A key of another node, or one that claims to be. */
  | 'other node'
  | 'malformed'
  | 'wrong';

/**
 * Makes and reads the keys of connections. A key is the only secret of a connection: 128 random bits, and a proof that cannot
 * be made without the secret of this node. Keys of former processes are therefore wrong without a look-up.
 */
export class ConnectionKeys {
  private readonly secret = randomBytes(32);

  /** @param node the name of this node, which begins each key */
  constructor(private readonly node: string) {}

  create(): { readonly id: string; readonly key: string } {
    const id = randomBytes(16).toString('base64url');
    return { id, key: `${this.node}.${id}.${this.proofOf(id).toString('base64url')}` };
  }

  /** Reads the key of a request. Its proof is compared in constant time. */
  read(key: string): KeyVerdict {
    const [, node, id, proof] = KEY.exec(key) ?? [];
    if (node === undefined || id === undefined || proof === undefined) return 'malformed';
    if (node !== this.node) return 'other node';
    return timingSafeEqual(this.proofOf(id), Buffer.from(proof, 'base64url')) ? { id } : 'wrong';
  }

  private proofOf(id: string): Buffer {
    return createHmac('sha256', this.secret).update(`${this.node}.${id}`).digest();
  }
}
