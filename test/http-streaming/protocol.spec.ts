import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

/** The checks of each rule of PROTOCOL.md, section 25: a spec file, and the beginning of the name of a test in it. */
const CHECKS: Readonly<Record<string, readonly (readonly [file: string, test: string])[]>> = {
  25.1: [
    ['http-streaming/connection', 'leaves all other requests of the path to the application'],
    ['http-streaming/origins', 'need a header or a type that no form can send'],
    ['http-streaming/sessions', 'is that of `envelope.v1`, and names the transport'],
  ],
  25.2: [['client/http-fallback', 'uses a WebSocket where that works']],
  25.3: [
    ['http-streaming/limits', 'refuse credentials over 8 KB, and bodies that are no JSON object'],
    ['http-streaming/sessions', 'reads the query and the credentials as at an upgrade'],
    ['http-streaming/responses', 'come by HTTP/1.0, in which proxies send requests'],
  ],
  25.4: [['http-streaming/connection', 'opens for Accept: %s, and answers a request']],
  25.5: [
    ['http-streaming/responses', 'have one record on each line, as %s (B8)'],
    ['client/http-faults', 'asks for what followed, and drops a record that was cut'],
  ],
  25.6: [['http-streaming/connection', 'goes on in another response, behind what the client has']],
  25.7: [
    ['http-streaming/keys', 'is needed, and cannot be guessed from another'],
    ['http-streaming/keys', 'is in no URL, cookie, log line or refusal, and no session token'],
  ],
  25.8: [
    ['http-streaming/requests', 'forgets what the client has, and refuses positions that were not sent'],
    ['http-streaming/responses', 'are one at a time: a new one ends the one before (B9)'],
  ],
  25.9: [
    ['http-streaming/responses', 'end after a while, and go on in the next one'],
    ['http-streaming/responses', 'end after some characters, and go on in the next one'],
    ['http-streaming/limits', 'count connections of an address, lost ones too'],
  ],
  '25.10': [
    ['http-streaming/requests', 'does not take a request whose body is torn'],
    ['http-streaming/requests', 'counts a body that is no ndjson as one malformed message'],
    ['http-streaming/limits', 'close with 1009 after a body over maxPayload'],
  ],
  25.11: [
    ['http-streaming/requests', 'takes a repeated request once'],
    ['http-streaming/requests', 'takes requests in the order of their numbers'],
    ['http-streaming/requests', 'closes with 1002 if a request is missing'],
    ['client/http-messages', 'sends what one turn emits in one POST'],
  ],
  25.12: [
    [
      'http-streaming/requests',
      'has a paused connection wait, refuses then, and takes the same request later',
    ],
    ['http-streaming/requests', 'refuses a ninth request at once'],
    ['client/http-faults', 'waits as long as Retry-After says'],
  ],
  25.13: [
    ['http-streaming/responses', 'send a beat every pingInterval, also while messages flow (B5)'],
    ['http-streaming/responses', 'keep a client that answers beats'],
    ['client/http-messages', 'answers each beat with a sign of life, unless it sent something'],
    ['client/http-faults', 'gives up after the time of two beats, and says so'],
  ],
  25.14: [['http-streaming/requests', 'forgets what the client has']],
  25.15: [
    ['http-streaming/connection', 'ends by a goodbye of the client, and by the server, with code and reason'],
    ['http-streaming/responses', 'tell a client how its connection was closed while it had none'],
  ],
  25.16: [
    ['http-streaming/origins', 'may not connect, whatever they send, and their body is not read'],
    ['http-streaming/origins', 'are refused at the preflight, which the allowed ones pass'],
    ['http-streaming/origins', 'get no credentials from a wildcard'],
  ],
  25.17: [
    ['http-streaming/keys', 'is not enough where the client has shown an Authorization header'],
    ['http-streaming/keys', 'is not enough where a cookie names the user'],
  ],
  25.18: [['http-streaming/keys', 'is refused on another node, for every request']],
  25.19: [
    ['http-streaming/limits', 'count connections of an address'],
    ['http-streaming/limits', 'count each request beside its messages'],
    ['http-streaming/held', 'by asking for one response after the other faster than it may send'],
  ],
  '25.20': [
    ['http-streaming/listen', 'is curl, which sees a room live'],
    ['http-streaming/listen', 'has no key, and one response'],
  ],
  25.21: [['http-streaming/sessions', 'moves from a WebSocket to HTTP, and back']],
};

const read = (path: string): string => readFileSync(join(process.cwd(), path), 'utf8');

describe('PROTOCOL.md, the envelope over HTTP', () => {
  it('has a check for each of its rules', () => {
    const rules = Array.from(read('PROTOCOL.md').matchAll(/^\*\*(25\.\d+)\*\* /gm), ([, rule]) => rule!);
    expect(rules.length).toBeGreaterThan(20);
    expect(Object.keys(CHECKS).sort()).toEqual(rules.sort());
    for (const [rule, checks] of Object.entries(CHECKS))
      for (const [file, test] of checks) {
        const path = `test/${file}.spec.ts`;
        expect([rule, path, existsSync(path) && read(path).includes(`'${test}`)]).toEqual([rule, path, true]);
      }
  });
});
