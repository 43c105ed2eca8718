import type { ContractChannel, JsonSchema, SecurityScheme } from './asyncapi-types.js';

const TOKENS =
  'Credentials are taken from the first of these that is present: the subprotocol `envelope.auth.<text>`, where ' +
  '`<text>` is the base64url form of a JSON object with them, `{"token": "…"}`; the two subprotocols `bearer`, ' +
  '`<token>`; the header `Authorization: Bearer <token>`; the query field `token`. A browser, which can set no ' +
  'header, offers `envelope.v1` beside the first of them.';

const BEFORE =
  'Who may connect is asked before the line is open: a refusal is an HTTP status, 401 or 403 as a rule.';

type Fields = Record<string, JsonSchema>;

/**
 * Where the handshake carries what these schemes ask for, as AsyncAPI's binding for WebSocket.
 *
 * @param isGuarded whether some of them are asked for before the line is open
 */
export function handshakeOf(
  schemes: readonly SecurityScheme[],
  isGuarded: boolean,
): { bindings: ContractChannel['bindings']; paragraphs: string[] } {
  const query: Fields = {};
  const headers: Fields = {};
  const bearsToken = schemes.some(isToken);
  if (bearsToken) {
    query['token'] = {
      type: 'string',
      description: 'The token, where no header and no subprotocol bears it.',
    };
    headers['Authorization'] = {
      type: 'string',
      pattern: '^[Bb]earer ',
      description: 'Bearer, and the token.',
    };
    headers['Sec-WebSocket-Protocol'] = {
      type: 'string',
      description: '`envelope.v1, envelope.auth.<base64url of {"token": "…"}>`, or `bearer, <token>`.',
    };
  }
  for (const { type, scheme, name, in: place } of schemes) {
    if (type === 'http' && String(scheme).toLowerCase() === 'basic')
      headers['Authorization'] ??= { type: 'string', pattern: '^[Bb]asic ' };
    if (type !== 'httpApiKey' || typeof name !== 'string') continue;
    if (place === 'query') query[name] ??= { type: 'string' };
    if (place === 'header') headers[name] ??= { type: 'string' };
    if (place === 'cookie') headers['Cookie'] ??= { type: 'string', description: `With the cookie ${name}.` };
  }
  return {
    bindings: {
      ws: {
        method: 'GET',
        ...fields('query', query),
        ...fields('headers', headers),
        bindingVersion: '0.1.0',
      },
    },
    paragraphs: [...(isGuarded ? [BEFORE] : []), ...(bearsToken ? [TOKENS] : [])],
  };
}

function isToken({ type, scheme }: SecurityScheme): boolean {
  if (type === 'http') return String(scheme).toLowerCase() !== 'basic';
  return type === 'oauth2' || type === 'openIdConnect';
}

function fields(name: string, properties: Fields): Record<string, JsonSchema> {
  return Object.keys(properties).length === 0 ? {} : { [name]: { type: 'object', properties } };
}
