import type { IncomingMessage } from 'node:http';
import { Reception } from '../../lib/upgrade/reception.js';

const request = (remoteAddress: string, forwardedFor: string): IncomingMessage =>
  ({
    headers: { 'x-forwarded-for': forwardedFor },
    socket: { remoteAddress },
    connection: { remoteAddress },
  }) as unknown as IncomingMessage;

describe('the reception', () => {
  const reception = new Reception(true, () => undefined);

  it.each([
    ['203.0.113.7', '203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:4711', '203.0.113.7', '203.0.113.7'],
    ['[2001:db8::7]:4711', '2001:db8::7', '2001:db8:0:0'],
    ['2001:db8::8', '2001:db8::8', '2001:db8:0:0'],
    ['::ffff:203.0.113.7', '::ffff:203.0.113.7', '203.0.113.7'],
    ['unknown', '10.0.0.1', '10.0.0.1'],
    ['<script>', '10.0.0.1', '10.0.0.1'],
    ['', '10.0.0.1', '10.0.0.1'],
  ])('reads %j as %s, counted as %s', (forwardedFor, address, seat) => {
    const { address: read, seat: counted } = reception.identify(request('10.0.0.1', forwardedFor));
    expect(read).toBe(address);
    expect(counted === undefined ? undefined : normal(counted)).toBe(seat);
  });
});

/** A /64 is kept as four numbers. */
function normal(seat: string): string {
  if (seat.includes('.')) return seat;
  return seat
    .split(':')
    .map((part) => Number(part).toString(16))
    .join(':');
}
