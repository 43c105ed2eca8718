import type { IncomingMessage } from 'node:http';

/** The subprotocol by which a client requests `$session`, offsets and the other negotiated features. */
const ENVELOPE_V1 = 'envelope.v1';
/** The prefix of the subprotocol that carries a client's credentials, as a base64url JSON object. */
export const AUTH_PROTOCOL = 'envelope.auth.';

const BEARER = 'bearer';
/** Matches names that are reserved for this protocol. A server must not select one that it does not implement. */
const RESERVED = /^envelope\./i;

/** Returns the subprotocols that a client offers, in its order of preference. */
export function offeredProtocols(request: IncomingMessage): string[] {
  const header = request.headers['sec-websocket-protocol'];
  return header === undefined ? [] : header.split(',').map((name) => name.trim());
}

/** Matches `envelope.v1`, alone or with the name of an encoding. */
const VERSION_1 = /^envelope\.v1(?:\+\w+)?$/;

/** Returns whether a subprotocol, once it is selected, includes `$session` and the other negotiated features. */
export function isEnvelopeV1(protocol: string): boolean {
  return protocol === ENVELOPE_V1 || VERSION_1.test(protocol);
}

/** Returns whether a client requests `$session` and the other negotiated features. */
export function offersEnvelope(request: IncomingMessage): boolean {
  return offeredProtocols(request).some(isEnvelopeV1);
}

/** Returns the token of the pair `bearer`, `<token>`. A reserved name is not a token. */
export function bearerToken(offered: readonly string[]): string | undefined {
  const index = offered.indexOf(BEARER);
  const token = index === -1 ? undefined : offered[index + 1];
  return token === undefined || RESERVED.test(token) ? undefined : token;
}

/** Returns the first of the offered subprotocols that is `envelope.v1`, or selects one of these further encodings. */
export function selectEnvelope(
  offered: Iterable<string>,
  encodings: ReadonlySet<string>,
): string | undefined {
  for (const name of offered) if (name === ENVELOPE_V1 || encodings.has(name)) return name;
  return undefined;
}

/**
 * Returns the subprotocol that the server selects: `envelope.v1`, or the one of a further encoding that the client
 * offers before it; else `bearer` if a token follows it. It selects no other name, so that a client sees that the server
 * does not support it.
 */
export function selectProtocol(
  offered: Set<string>,
  encodings: ReadonlySet<string> = NO_ENCODINGS,
): string | false {
  const envelope = selectEnvelope(offered, encodings);
  if (envelope !== undefined) return envelope;
  return offered.has(BEARER) && bearerToken([...offered]) !== undefined ? BEARER : false;
}

const NO_ENCODINGS: ReadonlySet<string> = new Set();

/** Selects one of the offered subprotocols, as the option of `ws`; `false`: none. */
export type HandleProtocols = (offered: Set<string>, request: IncomingMessage) => string | false;

/**
 * Returns the `handleProtocols` function of one path.
 *
 * @param custom the option `handleProtocols`
 * @param warn logs a warning; its texts contain nothing that a client sent, since a name may be a token
 * @param encodings the subprotocols of further encodings. Where a client offers one of them before `envelope.v1`, `custom` is
 * not asked: the connection has its encoding before the handshake
 */
export function protocolSelector(
  custom: HandleProtocols | undefined,
  warn: (text: string) => void,
  encodings: ReadonlySet<string> = NO_ENCODINGS,
): HandleProtocols {
  if (custom !== undefined)
    return (offered, request) => {
      const envelope = selectEnvelope(offered, encodings);
      if (envelope !== undefined && envelope !== ENVELOPE_V1) return envelope;
      const selected = custom(offered, request);
      if (!selected || mayBeSelected(selected, offered)) return selected;
      warn(REFUSED_CHOICE);
      return false;
    };
  return (offered) => {
    const selected = selectProtocol(offered, encodings);
    if (selected === false) warn(NONE_SELECTED);
    return selected;
  };
}

/** Returns whether the application may select a name: only an offered one that is neither reserved nor a token. */
function mayBeSelected(name: string, offered: Set<string>): boolean {
  if (name === ENVELOPE_V1) return offered.has(name);
  return offered.has(name) && !RESERVED.test(name) && bearerToken([...offered]) !== name;
}

const NONE_SELECTED =
  'A client offered subprotocols that the server does not support: it supports "envelope.v1" and the pair "bearer", ' +
  '<token>. The connection opens without a subprotocol, and browsers then close it. If your application defines one of ' +
  "the names, select it with EnvelopeAdapter's option handleProtocols: (offered) => offered.has('chat.v1') && 'chat.v1'";

const REFUSED_CHOICE =
  'The option handleProtocols selected a name that the client did not offer, a reserved name ("envelope.…" other than ' +
  '"envelope.v1"), or a token: no subprotocol is selected. Return an offered name that your application defines, or false';
