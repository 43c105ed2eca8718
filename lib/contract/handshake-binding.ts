import type { ContractChannel, JsonSchema, SecurityScheme } from './asyncapi-types.js';

const TOKENS =
  'The server reads the credentials from the first of these that is present: the subprotocol `envelope.auth.<text>`, where ' +
  '`<text>` is the base64url form of a JSON object with them, `{"token": "…"}`; the two subprotocols `bearer`, ' +
  '`<token>`; the header `Authorization: Bearer <token>`; the query field `token`. A browser cannot set ' +
  'headers, so it offers `envelope.v1` together with the first of them.';

const BEFORE_OPEN =
  'The server checks who may connect before the connection opens. It refuses with an HTTP status, usually 401 or 403.';

type Fields = Record<string, JsonSchema>;

/**
 * Returns where the handshake carries the credentials of these schemes: AsyncAPI's WebSocket binding, and paragraphs for the
 * channel's description.
 *
 * @param isGuarded whether a guard checks credentials before the connection opens
 */
export function handshakeOf(
  schemes: readonly SecurityScheme[],
  isGuarded: boolean,
): { bindings: ContractChannel['bindings']; paragraphs: string[] } {
  const query: Fields = {};
  const headers: Fields = {};
  const hasToken = schemes.some(isToken);
  if (hasToken) {
    query['token'] = {
      type: 'string',
      description: 'The token, if no header and no subprotocol carries it.',
    };
    headers['Authorization'] = {
      type: 'string',
      pattern: '^[Bb]earer ',
      description: '`Bearer`, followed by the token.',
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
    if (place === 'cookie')
      headers['Cookie'] ??= { type: 'string', description: `Contains the cookie ${name}.` };
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
    paragraphs: [...(isGuarded ? [BEFORE_OPEN] : []), ...(hasToken ? [TOKENS] : [])],
  };
}

function isToken({ type, scheme }: SecurityScheme): boolean {
  if (type === 'http') return String(scheme).toLowerCase() !== 'basic';
  return type === 'oauth2' || type === 'openIdConnect';
}

function fields(name: string, properties: Fields): Record<string, JsonSchema> {
  return Object.keys(properties).length === 0 ? {} : { [name]: { type: 'object', properties } };
}
