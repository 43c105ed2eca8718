import { reconnectDelay, mayReconnect, PING_TIMEOUT } from '../../lib/client/backoff.js';
import { withTransports } from '../../lib/client/connect.js';
import { withDefaults } from '../../lib/client/options.js';
import { CLOSE_CODES } from '../../lib/protocol/close-codes.js';
import { coded } from '../support/error-code.js';

const settings = withDefaults({}, class {} as never);
const ending = (code: number) => ({ code, reason: '' });
const delays = (attempts: number, end: Parameters<typeof reconnectDelay>[1]): number[] =>
  Array.from({ length: 2_000 }, () => reconnectDelay(attempts, end, settings));

describe('reconnection of the client', () => {
  it.each(Object.values(CLOSE_CODES))(
    'follows PROTOCOL.md after $code: reconnect is $reconnect',
    ({ code, reconnect }) => {
      expect(mayReconnect(ending(code))).toBe(reconnect !== 'no');
      if (reconnect !== 'no')
        expect(Math.min(...delays(0, ending(code))) >= 5_000).toBe(reconnect === 'later');
    },
  );

  it('reconnects after a lost connection, and not after a close by the application', () => {
    for (const code of [1006, 1012, 1014, PING_TIMEOUT])
      expect([code, mayReconnect(ending(code))]).toEqual([code, true]);
    for (const code of [3000, 4000, 4999]) expect([code, mayReconnect(ending(code))]).toEqual([code, false]);
  });

  it('retries a refused upgrade only where the status may change with time', () => {
    const statuses = [400, 401, 403, 404, 408, 425, 429, 500, 502, 503];
    expect(statuses.filter((status) => mayReconnect({ ...ending(1006), status }))).toEqual([
      408, 425, 429, 500, 502, 503,
    ]);
  });

  it('waits for a random time below a bound that doubles, up to 30 s', () => {
    for (const [attempts, bound] of [
      [0, 1_000],
      [1, 2_000],
      [4, 16_000],
      [5, 30_000],
      [50, 30_000],
    ] as const) {
      const all = delays(attempts, ending(1006));
      expect(Math.max(...all)).toBeLessThanOrEqual(bound);
      expect(Math.max(...all)).toBeGreaterThan(bound * 0.95);
      expect(Math.min(...all)).toBeLessThan(bound * 0.05);
    }
  });

  it('waits at least for Retry-After, and spreads the clients after it', () => {
    const all = delays(0, { ...ending(1006), status: 503, retryAfter: 10_000 });
    expect(Math.min(...all)).toBeGreaterThanOrEqual(10_000);
    expect(Math.max(...all)).toBeGreaterThan(14_000);
  });

  it.each([86_400_000, 99_999_999_999_000, Infinity])(
    'caps a Retry-After of %d ms at 5 minutes, or at reconnectionDelayMax if that is longer',
    (retryAfter) => {
      const all = delays(0, { ...ending(1006), status: 503, retryAfter });
      expect(Math.min(...all)).toBeGreaterThanOrEqual(300_000);
      expect(Math.max(...all)).toBeLessThanOrEqual(450_000);
      const withLongDelay = withDefaults({ reconnectionDelayMax: 3_600_000 }, class {} as never);
      const delay = reconnectDelay(0, { ...ending(1006), status: 503, retryAfter }, withLongDelay);
      expect(delay).toBeGreaterThanOrEqual(3_600_000);
      expect(delay).toBeLessThanOrEqual(5_400_000);
    },
  );
});

describe('options of the client', () => {
  it('have defaults, and throw an error that names an invalid option', () => {
    expect(withDefaults({ pingInterval: undefined } as object, class {} as never).pingInterval).toBe(25_000);
    expect(() => withDefaults({ ackTimeout: -1 }, class {} as never)).toThrow(
      coded('ERR_ENVELOPE_INVALID_OPTION', 'ackTimeout'),
    );
    expect(() => withDefaults({ ackTimeout: NaN }, class {} as never)).toThrow(
      coded('ERR_ENVELOPE_INVALID_OPTION', 'ackTimeout'),
    );
    // without a WebSocket, other transports may do: connect decides
    expect(() => withTransports(withDefaults({}, undefined), (Socket) => Socket)).toThrow(
      coded('ERR_ENVELOPE_NO_WEBSOCKET', 'this platform has no WebSocket'),
    );
  });
});
