import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { CLOSE_CODES } from '../../lib/index.js';
import { EXCEPTION_CODES } from '../../lib/protocol/envelope.js';

const protocol = readFileSync(join(process.cwd(), 'PROTOCOL.md'), 'utf8');
const rows = protocol
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

describe('PROTOCOL.md', () => {
  it('lists the close codes of the source, with the same advice on reconnecting', () => {
    const documented = rows.filter(([, code]) => /^\d{4}$/.test(code ?? '') && code !== '1006');
    const defined = Object.values(CLOSE_CODES).map(({ code, reconnect }) => [String(code), reconnect]);
    expect(documented.map(([, code, , reconnect]) => [code, reconnect])).toEqual(defined);
  });

  it('lists the error codes of the source', () => {
    const codes = Object.keys(EXCEPTION_CODES);
    const documented = rows.map(([, code]) => /^`([a-z]+_?[a-z]*)`$/.exec(code ?? '')?.[1]).filter(Boolean);
    expect(codes.length).toBeGreaterThan(4);
    expect(documented).toEqual(expect.arrayContaining(codes));
  });
});
