import type { Options } from '../signature.js';

/** The options of all commands that connect, by their heading in the help. */
export const CONNECTION: Readonly<Record<string, Options>> = {
  Connection: {
    timeout: { value: '<time>', text: 'for the connection, and for each answer: 500ms, 10s (default), 2m' },
    header: { value: '<name: value>', multiple: true, short: 'H', text: 'a header of the upgrade request' },
    cookie: { value: '<name=value>', multiple: true, text: 'a cookie of the upgrade request' },
    origin: { value: '<origin>', text: 'the origin of a page: https://example.com' },
    insecure: { short: 'k', text: 'accept any TLS certificate, such as a self-signed one' },
  },
  Authentication: {
    token: {
      value: '<token>',
      short: 't',
      text: 'a token; @file reads a file, again for each connection',
    },
    'token-by': {
      value: '<way>',
      text: [
        'how the server gets the token:',
        'auth     as the subprotocol envelope.auth (default)',
        'bearer   as the subprotocol pair bearer, <token>',
        'header   as the header Authorization: Bearer',
        'query    as ?token= in the URL',
        'message  as $auth, when the guards have let the client in',
      ].join('\n'),
    },
    auth: { value: '<data>', short: 'a', text: 'credentials as a JSON object; @file reads a file' },
    user: {
      value: '<name:password>',
      short: 'u',
      text: 'as the header Authorization: Basic; @file reads a file',
    },
  },
};
