import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { clientChecks } from '../../lib/conformance/client/checks.js';
import { serverChecks } from '../../lib/conformance/server/checks.js';
import { Server } from '../../lib/conformance/server/server.js';
import { OWN } from './declare.js';

/** Rules that no check covers, and where they are tested in this repository. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  2.4: 'test/upgrade',
  2.5: 'test/recovery',
  2.6: 'test/transport',
  3.4: 'test/client/hostile',
  6.4: 'test/protocol/unserializable',
  7.4: 'a client that reports all events cannot be told from one that knows them',
  9.4: 'test/messages/signal',
  9.5: 'test/messages/signal',
  9.8: 'test/client/cancel',
  10: 'test/once',
  11.9: 'test/limits',
  13.4: 'test/auth',
  15.4: 'test/recovery',
  15.7: 'test/recovery',
  16: 'test/history',
  17: 'test/presence',
  19.5: 'test/client/reconnect-storm',
  19.6: 'test/client/reconnect',
  20.2: 'test/microservices',
  20.3: 'test/microservices',
  24: 'test/msgpack, test/protocol/vectors',
  25: 'test/http-streaming, whose specs cite each rule',
};

describe('the rules of PROTOCOL.md', () => {
  const protocol = readFileSync(join(process.cwd(), 'PROTOCOL.md'), 'utf8');
  const rules = Array.from(protocol.matchAll(/^\*\*(\d+\.\d+)\*\* /gm), ([, rule]) => rule!);
  const checks = [
    ...serverChecks(new Server(() => 'ws://localhost', OWN)),
    ...clientChecks(() => {
      throw new Error('not run');
    }),
  ];

  it('each check cites rules, and only rules that there are', () => {
    expect(checks.filter((check) => check.rules.length === 0).map(({ name }) => name)).toEqual([]);
    const cited = new Set(checks.flatMap((check) => check.rules));
    expect([...cited].filter((rule) => !rules.includes(rule))).toEqual([]);
  });

  it('each rule has a check, or is tested elsewhere', () => {
    const cited = new Set(checks.flatMap((check) => check.rules));
    const isElsewhere = (rule: string): boolean => rule in ELSEWHERE || rule.split('.')[0]! in ELSEWHERE;
    expect(rules.filter((rule) => !cited.has(rule) && !isElsewhere(rule))).toEqual([]);
    const listed = Object.keys(ELSEWHERE).filter((rule) => cited.has(rule));
    expect(listed).toEqual([]);
  });

  it('no two checks have the same name', () => {
    const names = checks.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});
