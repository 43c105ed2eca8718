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
/** Those that count nothing. */
const FRACTIONS = ['messagesPerSecond', 'upgradeTimeout', 'maxLifetime'];

const check = (limits: unknown, isGateway = false): void =>
  checkLimits({ limits: limits as object }, 'ChatGateway', isGateway);

describe('limits', () => {
  it('have defaults', () => {
    expect(resolvePathLimits()).toEqual(DEFAULTS);
    expect(resolvePathLimits(undefined, {}, { maxRooms: undefined } as object)).toEqual(DEFAULTS);
    expect(resolveAdapterLimits(undefined)).toEqual(ADAPTER_DEFAULTS);
  });

  it.each(NAMES)('%s can be raised, lowered and named without a value', (name) => {
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

  it.each(NAMES)('%s takes no other value, and says so by its owner and its name', (name) => {
    const values = [0, -1, NaN, -Infinity, '100', '', 'no', true, null, {}, [], [5], 5n, () => 5, new Date()];
    for (const value of values) {
      expect(() => check({ [name]: value })).toThrow(`ChatGateway: limits.${name} is `);
    }
    const isWhole = !FRACTIONS.includes(name);
    if (isWhole) expect(() => check({ [name]: 1.5 })).toThrow('it takes a positive whole number');
    else expect(() => check({ [name]: 0.001 })).not.toThrow();
  });

  it('the burst cannot be turned off: messagesPerSecond is what can', () => {
    for (const value of [false, Infinity]) {
      const error = new Error(
        `ChatGateway: limits.messageBurst is ${value}: it takes a positive whole number`,
      );
      expect(() => check({ messageBurst: value })).toThrow(error);
    }
  });

  it('shows what the environment gave as the text that it is', () => {
    expect(() => check({ maxRooms: '100' })).toThrow(
      new Error('ChatGateway: limits.maxRooms is "100": it takes a positive whole number, or false for none'),
    );
  });

  it.each(['maxRoom', 'MaxRooms', '0', 'toString', 'constructor', 'pingInterval'])(
    'there is no limit %s',
    (name) => {
      for (const value of [1, false, undefined])
        expect(() => check({ [name]: value })).toThrow(`ChatGateway: unknown limit "${name}". `);
    },
  );

  it('suggests the name that was meant', () => {
    expect(() => check({ maxRoom: 1 })).toThrow('unknown limit "maxRoom". Did you mean "maxRooms"?');
    expect(() => check({ toString: 1 })).toThrow('unknown limit "toString". Valid names: maxPayload, ');
  });

  it.each([5, 'none', true, false, null, []])('are an object, not %p', (limits) => {
    expect(() => check(limits)).toThrow(`ChatGateway: limits is ${String(limits)}: it takes an object`);
  });

  it.each(ADAPTER_NAMES)('%s is not a gateway’s', (name) => {
    for (const value of [5, false, undefined, 'x'])
      expect(() => check({ [name]: value }, true)).toThrow(
        new Error(`ChatGateway: limits.${name} counts all paths together: set it on EnvelopeAdapter`),
      );
  });

  it.each(['maxPayload', 'maxHttpBufferSize'])('%s beside the limits is checked as well', (name) => {
    for (const value of [1, 0, 5_000_000, Infinity, undefined])
      expect(() => checkLimits({ [name]: value }, 'ChatGateway', true)).not.toThrow();
    for (const value of [-1, NaN, '1', '1mb', 0.5, null, {}])
      expect(() => checkLimits({ [name]: value } as object, 'ChatGateway', true)).toThrow(
        `ChatGateway: ${name} is `,
      );
  });

  it('the first layer that names a limit wins, one by one', () => {
    const resolved = resolvePathLimits(
      { maxRooms: 5 },
      undefined,
      { maxRooms: 6, maxInFlight: 7 },
      { maxInFlight: 8 },
    );
    expect(resolved).toEqual({ ...DEFAULTS, maxRooms: 5, maxInFlight: 7 });
  });

  it('maxPayload has two more names, on each layer', () => {
    const size = (...layers: object[]): number => resolvePathOptions(...layers).limits.maxPayload;
    expect(size({}, {})).toBe(1_000_000);
    expect(size({ maxPayload: 5 })).toBe(5);
    expect(size({ maxHttpBufferSize: 6 })).toBe(6);
    expect(size({ maxHttpBufferSize: 6, maxPayload: 5 })).toBe(5);
    expect(size({ maxHttpBufferSize: 6, limits: { maxRooms: 1 } }, { limits: { maxPayload: 7 } })).toBe(6);
    expect(size({ limits: { maxPayload: 7 } }, { maxPayload: 5 })).toBe(7);
    expect(size({ limits: { maxRooms: 1 } }, { maxPayload: 5 })).toBe(5);
    // 0, for ws and Socket.IO: none
    expect(size({ maxPayload: 0 })).toBe(Infinity);
    expect(size({ maxHttpBufferSize: 0 }, { maxPayload: 5 })).toBe(Infinity);
    expect(size({ limits: { maxPayload: false } }, { maxPayload: 5 })).toBe(Infinity);
  });
});
