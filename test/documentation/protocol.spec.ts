import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { CLOSE_CODES } from '../../lib/index.js';
import { mayReconnect } from '../../lib/client/backoff.js';
import { EXCEPTION_CODES } from '../../lib/protocol/envelope.js';

const protocol = readFileSync(join(process.cwd(), 'PROTOCOL.md'), 'utf8');
const rows = protocol
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

describe('PROTOCOL.md', () => {
  it('lists the close codes of the source, with the same advice on reconnecting', () => {
    const documented = rows.filter(([, code]) => /^\d{4}$/.test(code ?? ''));
    const advice = new Map(documented.map(([, code, , reconnect]) => [Number(code), reconnect]));
    for (const { code, reconnect } of Object.values(CLOSE_CODES))
      expect([code, advice.get(code)]).toEqual([code, reconnect]);
    for (const [code, reconnect] of advice)
      expect([code, mayReconnect({ code, reason: '' })]).toEqual([code, reconnect !== 'no']);
  });

  it('numbers its rules without gaps, each in its section', () => {
    let [section, rule] = [0, 0];
    for (const line of protocol.split('\n')) {
      const heading = /^## (\d+) /.exec(line)?.[1];
      if (heading !== undefined) {
        expect(Number(heading)).toBe(++section);
        rule = 0;
      }
      const number = /^\*\*(\d+\.\d+)\*\* /.exec(line)?.[1];
      if (number !== undefined) expect(number).toBe(`${section}.${++rule}`);
    }
    expect(section).toBeGreaterThan(20);
  });

  it('cites only rules that it has', () => {
    const known = new Set(Array.from(protocol.matchAll(/^\*\*(\d+\.\d+)\*\* /gm), ([, number]) => number));
    const cited = Array.from(protocol.matchAll(/\b[Rr]ules? (\d+\.\d+)/g), ([, number]) => number);
    expect(cited.length).toBeGreaterThan(10);
    expect(cited.filter((number) => !known.has(number))).toEqual([]);
  });

  it('lists the error codes of the source', () => {
    const codes = Object.keys(EXCEPTION_CODES);
    const documented = rows.map(([, code]) => /^`([a-z]+_?[a-z]*)`$/.exec(code ?? '')?.[1]).filter(Boolean);
    expect(codes.length).toBeGreaterThan(4);
    expect(documented).toEqual(expect.arrayContaining(codes));
  });
});
