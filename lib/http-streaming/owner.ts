import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { parseCookie } from 'cookie';

type Headers = Pick<IncomingMessage, 'headers'>;

/**
 * Returns a function that tells whether a later request comes from the client that has sent this one: a key that has become
 * known is not enough where the client has shown an `Authorization` header, or one of the cookies that name the user.
 */
export function ownerOf(request: Headers, cookies: readonly string[]): (later: Headers) => boolean {
  const proof = proofOf(request, cookies);
  return (later) => proof === undefined || timingSafeEqual(proof, proofOf(later, cookies) ?? NONE);
}

const NONE = Buffer.alloc(32);

function proofOf({ headers }: Headers, cookies: readonly string[]): Buffer | undefined {
  const sent = cookies.length === 0 ? {} : parseCookie(headers.cookie ?? '');
  const shown = [headers.authorization, ...cookies.map((name) => sent[name])];
  if (shown.every((value) => value === undefined)) return undefined;
  return createHash('sha256').update(JSON.stringify(shown)).digest();
}
