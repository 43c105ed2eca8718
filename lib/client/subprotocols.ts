import { writePayload } from '../protocol/payload.js';
import type { Credentials } from './options.js';

const PROTOCOL = 'envelope.v1';

/** The subprotocols of one attempt: the protocol's version, and what the client presents itself with, if anything. */
export function subprotocols(
  auth: Credentials | undefined,
  session: { readonly session: string; readonly offset: string } | undefined,
): string[] {
  const shown = { ...(typeof auth === 'string' ? { token: auth } : auth), ...session };
  return Object.keys(shown).length === 0 ? [PROTOCOL] : [PROTOCOL, `envelope.auth.${base64url(shown)}`];
}

/** JSON can say everything in ASCII, which is all that `btoa` takes. */
function base64url(value: object): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const text = btoa(writePayload(value, 'auth', 'auth')!.replace(/[\u0080-\uffff]/g, escape));
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
