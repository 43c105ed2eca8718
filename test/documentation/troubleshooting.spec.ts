import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { patternOf, readLogTexts } from './log-texts.js';

const page = readFileSync(join(process.cwd(), 'docs/troubleshooting.md'), 'utf8');

/**
 * The files that log a text which another function makes or passes on, with the beginnings of those that are made there. A
 * text that is passed on is collected where it is passed.
 */
const FORWARDING: Readonly<Record<string, readonly string[]>> = {
  'client/indexed-db.ts': [],
  'contract/create-contract.ts': ['createContract: a schema of …'],
  'explorer/admin/mount-console.ts': [],
  'explorer/routes.ts': [],
  'nest/errors/error-reporter.ts': [],
  'nest/guards/upgrade-guards.ts': [],
  'nest/logging/report-log.ts': [],
  'nest/mounting/adapter-services.ts': [],
  'nest/mounting/endpoint-config.ts': ['The option "…" has no effect', 'The origin … may not connect'],
  'nest/mounting/open-transports.ts': [],
  'nest/mounting/own-path.ts': ['… refused the … …, which is blocked until'],
  'nest/mounting/upgrade-routers.ts': [
    'no gateway is mounted on this path. ',
    'a client of Socket.IO requested this path',
    'GET … is the request of a WebSocket without its Upgrade header',
  ],
  'once/detached-request.ts': [],
  'once/keyed-requests.ts': [],
  'opentelemetry/route-counter.ts': [],
  'server/handshake/user-identity.ts': [],
  'server/namespace/envelope-server.ts': [],
  'server/recovery/memory-recovery.ts': ['is reached: the address or user', 'is too small to store'],
  'server/recovery/storage-budget.ts': ['is reached: further clients'],
  'server/socket/connection-api.ts': [],
  'server/socket/request-table.ts': [],
  'server/socket/socket-rooms.ts': [
    'a client may be in … rooms',
    'the name of a room must not exceed',
    'the name of a room must be a text or a number',
    'the rooms of users belong to the server',
    "the room that has the client's id as its name",
  ],
  'server/upgrade/child-servers.ts': [],
  'socketio/socket-io-transport.ts': [],
};

describe('docs/troubleshooting.md', () => {
  const texts = readLogTexts();
  const log = page.slice(page.indexOf('## Warnings in the log'));
  const quotes = [...log.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, quote]) => quote!);
  const patterns = quotes.map(patternOf);

  it('quotes log lines that the sources have', () => {
    expect(quotes.length).toBeGreaterThan(100);
    const all = [...texts.all];
    expect(quotes.filter((_, at) => !all.some((text) => patterns[at]!.test(text)))).toEqual([]);
  });

  it('quotes every text that the sources log', () => {
    expect(texts.logged.size).toBeGreaterThan(100);
    const missing = [...texts.logged].filter(([, text]) => !patterns.some((pattern) => pattern.test(text)));
    expect(missing).toEqual([]);
  });

  it('quotes the texts that functions make', () => {
    expect([...texts.forwarding].sort()).toEqual(Object.keys(FORWARDING).sort());
    const missing = Object.values(FORWARDING)
      .flat()
      .filter((text) => !quotes.some((quote) => quote.startsWith(text)));
    expect(missing).toEqual([]);
  });
});
