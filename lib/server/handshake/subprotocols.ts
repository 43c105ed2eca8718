import type { IncomingMessage } from 'node:http';
import type { ServerOptions } from 'ws';

/** The subprotocol by which a client asks for `$session`, offsets and what else is negotiated. */
export const ENVELOPE_V1 = 'envelope.v1';
export const AUTH_PROTOCOL = 'envelope.auth.';

const BEARER = 'bearer';
/** Names that belong to this protocol, in any case: a server must not select one that it does not implement. */
const FAMILY = /^envelope\./i;

export function offeredProtocols(request: IncomingMessage): string[] {
  const header = request.headers['sec-websocket-protocol'];
  return header === undefined ? [] : header.split(',').map((name) => name.trim());
}

/** Whether a client asks for `$session` and what goes with it. */
export function offersEnvelope(request: IncomingMessage): boolean {
  return offeredProtocols(request).includes(ENVELOPE_V1);
}

/** The token of the pair `bearer`, `<token>`. A name of this protocol is not a token. */
export function bearerToken(offered: readonly string[]): string | undefined {
  const index = offered.indexOf(BEARER);
  const token = index === -1 ? undefined : offered[index + 1];
  return token === undefined || FAMILY.test(token) ? undefined : token;
}

/**
 * The subprotocol that the server selects: `envelope.v1`, else `bearer` where a token follows it. Any other name is
 * one that this server does not speak, and a client must be able to tell.
 */
export function selectProtocol(offered: Set<string>): string | false {
  if (offered.has(ENVELOPE_V1)) return ENVELOPE_V1;
  return offered.has(BEARER) && bearerToken([...offered]) !== undefined ? BEARER : false;
}

type HandleProtocols = NonNullable<ServerOptions['handleProtocols']>;

/** How one path selects the subprotocol. The texts hold nothing that a client sent: a name may be a token. */
export function protocolSelector(
  own: HandleProtocols | undefined,
  warn: (text: string) => void,
): HandleProtocols {
  if (own !== undefined)
    return (offered, request) => {
      const selected = own(offered, request);
      if (!selected || mayBeSelected(selected, offered)) return selected;
      warn(REFUSED_CHOICE);
      return false;
    };
  return (offered) => {
    const selected = selectProtocol(offered);
    if (selected === false) warn(NONE_SELECTED);
    return selected;
  };
}

/** What the application selects has to be on offer; a token is not a protocol. */
function mayBeSelected(name: string, offered: Set<string>): boolean {
  if (name === ENVELOPE_V1) return offered.has(name);
  return offered.has(name) && !FAMILY.test(name) && bearerToken([...offered]) !== name;
}

const NONE_SELECTED =
  'A client offered subprotocols, and the server speaks none of them: it speaks "envelope.v1" and the pair "bearer", ' +
  '<token>. The connection opens without a subprotocol, and browsers then close it. If one of the names is the ' +
  "application's own, select it with EnvelopeAdapter's option handleProtocols: (offered) => offered.has('chat.v1') && 'chat.v1'";

const REFUSED_CHOICE =
  'The option handleProtocols selected a name that the client did not offer, that belongs to the envelope protocol ' +
  '("envelope.…") without being "envelope.v1", or that is a token: no subprotocol is selected. Return one of the ' +
  'offered names of your own, or false';
