import { createHash } from 'node:crypto';

/**
 * Characters that have a meaning for a broker or an adapter: those of Redis' glob patterns, the quote of PostgreSQL's
 * identifiers, the separator of channel names, and control characters. Also `<` itself, so that different names stay
 * different.
 */
const UNSAFE = /[*?[\]\\"#<\p{Cc}]/gu;

/** The number of base64url characters of a digest: 132 bits. */
const DIGEST_LENGTH = 22;

/**
 * Returns the name of a server for its adapter. Names of ordinary paths do not change, so that nodes of Socket.IO and
 * emitters use the same channels. Other names are the source of a RegExp namespace and the paths of its children, which
 * clients choose: there each special character becomes `<` and its code, so that `/room-[1]` is `/room-<5b1<5d`.
 *
 * @param maxBytes the maximum length; a longer name is cut and ends in a digest. Default: no limit
 */
export function brokerNameOf(name: string, maxBytes = Infinity): string {
  const safe = name.replace(UNSAFE, (char) => `<${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  if (Buffer.byteLength(safe) <= maxBytes) return safe;
  const digest = createHash('sha256').update(safe).digest('base64url').slice(0, DIGEST_LENGTH);
  // only the leading characters of one byte each, so that the cut is exact
  const [start] = /^[\x20-\x7e]*/.exec(safe)!;
  return `${start.slice(0, Math.max(0, maxBytes - DIGEST_LENGTH - 1))}<${digest}`;
}

/** Returns a server for an adapter: the server itself, or a proxy of it with another name. */
export function named<Server extends { readonly name: string }>(server: Server, name: string): Server {
  if (name === server.name) return server;
  return new Proxy(server, {
    get(target, property) {
      if (property === 'name') return name;
      const value: unknown = Reflect.get(target, property, target);
      // methods run on the server itself, which has its original name
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    set: (target, property, value) => Reflect.set(target, property, value, target),
  });
}
