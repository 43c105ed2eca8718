import { writePayload } from '../protocol/payload.js';
import type { Credentials } from './options.js';

/** Returns the subprotocols of one attempt: that of the messages, then the credentials and the session, if any. */
export function subprotocols(
  protocol: string,
  auth: Credentials | undefined,
  session: { readonly session: string; readonly offset: string } | undefined,
): string[] {
  const credentials = { ...(typeof auth === 'string' ? { token: auth } : auth), ...session };
  return Object.keys(credentials).length === 0
    ? [protocol]
    : [protocol, `envelope.auth.${base64url(credentials)}`];
}

/** Writes a value as base64url JSON. Characters above U+007F are escaped, since `btoa` does not encode them as UTF-8. */
function base64url(value: object): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const text = btoa(writePayload(value, 'auth', 'auth')!.replace(/[\u0080-\uffff]/g, escape));
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
