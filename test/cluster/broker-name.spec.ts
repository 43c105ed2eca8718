import { brokerNameOf } from '../../lib/server/cluster/broker-name.js';

describe('the name that a broker uses for a server', () => {
  it.each(['/', '/ws', '/chat/room-7.a_b~c', ':3005/ws', '/caf%C3%A9', '/чат', '/ws/:room'])(
    'equals an ordinary path: %s',
    (name) => expect(brokerNameOf(name)).toBe(name),
  );

  it.each([
    ['/room-[1]', '/room-<5b1<5d'],
    ['/a*?', '/a<2a<3f'],
    ['/ws/^\\/game-\\d+$/', '/ws/^<5c/game-<5cd+$/'],
    ['/a"#\n\u0000', '/a<22<23<0a<00'],
    ['/a<2a', '/a<3c2a'],
  ])('escapes characters that have a meaning for a broker: %j', (name, safe) => {
    expect(brokerNameOf(name)).toBe(safe);
  });

  it('is shortened when it is too long, and stays unique', () => {
    const [one, other] = [`/${'x'.repeat(100)}1`, `/${'x'.repeat(100)}2`];
    expect(brokerNameOf(one, 53)).toMatch(/^\/x{29}<[\w-]{22}$/);
    expect(brokerNameOf(other, 53)).not.toBe(brokerNameOf(one, 53));
    expect(Buffer.byteLength(brokerNameOf(`/${'ч'.repeat(40)}`, 53))).toBeLessThanOrEqual(53);
    expect(brokerNameOf('/ws', 53)).toBe('/ws');
  });
});
