import { createHash } from 'node:crypto';

/**
 * Characters that a broker or an adapter gives a meaning: those of Redis' glob patterns, the quote of PostgreSQL's
 * identifiers, the separator of channel names, and control characters; `<` itself, so that no two names become one.
 */
const UNSAFE = /[*?[\]\\"#<\p{Cc}]/gu;

/** Base64url characters of a digest: 132 bits. */
const DIGEST_LENGTH = 22;

/**
 * The name under which an adapter knows a server. Names of ordinary paths stay as they are, so that nodes of Socket.IO
 * and emitters use the same channels. In other names, such as the source of a RegExp namespace and the paths of its
 * children, which clients choose, each special character becomes `<` and its code: `/room-[1]` is `/room-<5b1<5d`.
 *
 * @param maxBytes a longer name is cut and ends in a digest. Default: no limit
 */
export function brokerNameOf(name: string, maxBytes = Infinity): string {
  const safe = name.replace(UNSAFE, (char) => `<${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  if (Buffer.byteLength(safe) <= maxBytes) return safe;
  const digest = createHash('sha256').update(safe).digest('base64url').slice(0, DIGEST_LENGTH);
  // of characters that are one byte each
  const [start] = /^[\x20-\x7e]*/.exec(safe)!;
  return `${start.slice(0, Math.max(0, maxBytes - DIGEST_LENGTH - 1))}<${digest}`;
}

/** A server as an adapter gets it: the server itself, or a view of it under another name. */
export function named<Server extends { readonly name: string }>(server: Server, name: string): Server {
  if (name === server.name) return server;
  return new Proxy(server, {
    get(target, property) {
      if (property === 'name') return name;
      const value: unknown = Reflect.get(target, property, target);
      // what the server does, it does under its own name
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    set: (target, property, value) => Reflect.set(target, property, value, target),
  });
}
