import { resolvePathOptions } from '../../lib/nest/options/options.js';
import { checkLimits, resolveAdapterLimits, resolvePathLimits } from '../../lib/nest/options/limits.js';

const DEFAULTS = {
  maxPayload: 1_000_000,
  maxFragments: 1_024,
  maxJsonDepth: 64,
  maxEventNameLength: 256,
  messagesPerSecond: 100,
  messageBurst: 1_000,
  maxInFlight: 256,
  maxRooms: 1_000,
  maxRoomNameLength: 256,
  maxBufferedBytes: 4_000_000,
  upgradeTimeout: 10_000,
  maxLifetime: Infinity,
};
const ADAPTER_DEFAULTS = {
  maxConnections: 100_000,
  maxConnectionsPerAddress: 1_000,
  maxPendingUpgrades: 1_000,
};
const PATH_NAMES = Object.keys(DEFAULTS);
const ADAPTER_NAMES = Object.keys(ADAPTER_DEFAULTS);
const NAMES = [...PATH_NAMES, ...ADAPTER_NAMES];
/** Limits that may be fractions, because they do not count things. */
const FRACTIONS = ['messagesPerSecond', 'upgradeTimeout', 'maxLifetime'];

const check = (limits: unknown, isGateway = false): void =>
  checkLimits({ limits: limits as object }, 'ChatGateway', isGateway);

describe('limits', () => {
  it('have defaults', () => {
    expect(resolvePathLimits()).toEqual(DEFAULTS);
    expect(resolvePathLimits(undefined, {}, { maxRooms: undefined } as object)).toEqual(DEFAULTS);
    expect(resolveAdapterLimits(undefined)).toEqual(ADAPTER_DEFAULTS);
  });

  it.each(NAMES)('%s can be raised, lowered and set to undefined', (name) => {
    for (const value of [1, 2, 5_000_000, undefined]) expect(() => check({ [name]: value })).not.toThrow();
  });

  it.each(NAMES.filter((name) => name !== 'messageBurst'))('%s can be turned off', (name) => {
    for (const value of [false, Infinity]) {
      check({ [name]: value });
      const resolved: Record<string, number> = {
        ...resolvePathLimits({ [name]: value }),
        ...resolveAdapterLimits({ [name]: value }),
      };
      expect(resolved[name]).toBe(Infinity);
    }
  });

  it.each(NAMES)('%s throws for any other value, and names the owner and the limit', (name) => {
    const values = [0, -1, NaN, -Infinity, '100', '', 'no', true, null, {}, [], [5], 5n, () => 5, new Date()];
    for (const value of values) {
      expect(() => check({ [name]: value })).toThrow(`ChatGateway: limits.${name} is `);
    }
    const isWhole = !FRACTIONS.includes(name);
    if (isWhole) expect(() => check({ [name]: 1.5 })).toThrow('it takes a positive whole number');
    else expect(() => check({ [name]: 0.001 })).not.toThrow();
  });

  it('messageBurst cannot be turned off: messagesPerSecond can', () => {
    for (const value of [false, Infinity]) {
      const error = new Error(
        `ChatGateway: limits.messageBurst is ${value}: it takes a positive whole number`,
      );
      expect(() => check({ messageBurst: value })).toThrow(error);
    }
  });

  it('quotes a value that is a string, as from the environment', () => {
    expect(() => check({ maxRooms: '100' })).toThrow(
      new Error('ChatGateway: limits.maxRooms is "100": it takes a positive whole number, or false for none'),
    );
  });

  it.each(['maxRoom', 'MaxRooms', '0', 'toString', 'constructor', 'pingInterval'])(
    'throws for the unknown limit %s',
    (name) => {
      for (const value of [1, false, undefined])
        expect(() => check({ [name]: value })).toThrow(`ChatGateway: unknown limit "${name}". `);
    },
  );

  it('suggests the closest name of a limit', () => {
    expect(() => check({ maxRoom: 1 })).toThrow('unknown limit "maxRoom". Did you mean "maxRooms"?');
    expect(() => check({ toString: 1 })).toThrow('unknown limit "toString". Valid names: maxPayload, ');
  });

  it.each([5, 'none', true, false, null, []])('must be an object, not %p', (limits) => {
    expect(() => check(limits)).toThrow(`ChatGateway: limits is ${String(limits)}: it takes an object`);
  });

  it.each(ADAPTER_NAMES)('%s cannot be set on a gateway', (name) => {
    for (const value of [5, false, undefined, 'x'])
      expect(() => check({ [name]: value }, true)).toThrow(
        new Error(`ChatGateway: limits.${name} counts all paths together: set it on EnvelopeAdapter`),
      );
  });

  it.each(['maxPayload', 'maxHttpBufferSize'])('checks the option %s outside of limits, too', (name) => {
    for (const value of [1, 0, 5_000_000, Infinity, undefined])
      expect(() => checkLimits({ [name]: value }, 'ChatGateway', true)).not.toThrow();
    for (const value of [-1, NaN, '1', '1mb', 0.5, null, {}])
      expect(() => checkLimits({ [name]: value } as object, 'ChatGateway', true)).toThrow(
        `ChatGateway: ${name} is `,
      );
  });

  it('takes each limit from the first layer that sets it', () => {
    const resolved = resolvePathLimits(
      { maxRooms: 5 },
      undefined,
      { maxRooms: 6, maxInFlight: 7 },
      { maxInFlight: 8 },
    );
    expect(resolved).toEqual({ ...DEFAULTS, maxRooms: 5, maxInFlight: 7 });
  });

  it('accepts two other names of maxPayload on each layer', () => {
    const size = (...layers: object[]): number => resolvePathOptions(...layers).limits.maxPayload;
    expect(size({}, {})).toBe(1_000_000);
    expect(size({ maxPayload: 5 })).toBe(5);
    expect(size({ maxHttpBufferSize: 6 })).toBe(6);
    expect(size({ maxHttpBufferSize: 6, maxPayload: 5 })).toBe(5);
    expect(size({ maxHttpBufferSize: 6, limits: { maxRooms: 1 } }, { limits: { maxPayload: 7 } })).toBe(6);
    expect(size({ limits: { maxPayload: 7 } }, { maxPayload: 5 })).toBe(7);
    expect(size({ limits: { maxRooms: 1 } }, { maxPayload: 5 })).toBe(5);
    // 0 means no limit, as in ws and Socket.IO
    expect(size({ maxPayload: 0 })).toBe(Infinity);
    expect(size({ maxHttpBufferSize: 0 }, { maxPayload: 5 })).toBe(Infinity);
    expect(size({ limits: { maxPayload: false } }, { maxPayload: 5 })).toBe(Infinity);
  });
});
