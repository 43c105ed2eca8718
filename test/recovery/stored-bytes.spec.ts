import { BroadcastOperator } from '../../lib/server/rooms/broadcast-operator.js';
import { MessageLog } from '../../lib/server/recovery/message-log.js';
import { SessionStore, type ExpiringSession } from '../../lib/server/recovery/session-store.js';
import { encodePacket } from '../../lib/server/rooms/packet-encoder.js';
import { ENVELOPE } from '../../lib/server/transport/encoding.js';
import type { Frame } from '../../lib/server/transport/frame.js';
import { heapBytes, retainedBytes } from '../support/heap.js';

/** The frame that the log keeps of a packet. */
function frameOf(packet: Parameters<typeof encodePacket>[0]): Frame {
  return encodePacket(packet, { encoding: ENVELOPE, areForeign: false })[0]!.frame(ENVELOPE);
}

const LIMIT = 4_000_000;
/** The heap in use, as a share of the limit, must lie between these two. */
const MIN_SHARE = 0.3;
const MAX_SHARE = 1.5;

/** The target of a broadcast. */
const target = (rooms: Iterable<string> = [], except: Iterable<string> = []): object => ({
  rooms: new Set(rooms),
  except: new Set(except),
});
/** Returns a copy that shares its characters with no other string, like a text from a parsed message. */
const fresh = (text: string): string => JSON.parse(JSON.stringify(text)) as string;
const names = (count: number, of: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, index) => fresh(of(index)));

async function expectLimit(fill: () => { readonly bytes: number }): Promise<void> {
  const held = await retainedBytes(fill, ({ bytes }) => {
    expect(bytes).toBeLessThanOrEqual(LIMIT);
    expect(bytes).toBeGreaterThan(0.8 * LIMIT);
  });
  expect(held / LIMIT).toBeLessThan(MAX_SHARE);
  expect(held / LIMIT).toBeGreaterThan(MIN_SHARE);
}

describe('the bytes that the message log counts match the heap', () => {
  /** `size` is the maximum size of one message. The test adds twice as many as the log can hold. */
  const kinds: [what: string, size: number, emit: (index: number) => [unknown, object]][] = [
    ['tiny messages to all clients', 250, (index) => [index, target()]],
    ['long messages', 10_000, (index) => [`${index}${'x'.repeat(10_000)}`, target()]],
    ['text of two bytes per character', 20_000, (index) => [`${index}${'界'.repeat(10_000)}`, target()]],
    ['tiny messages, each to another room', 600, (index) => [1, target(names(1, () => `room ${index}`))]],
    [
      'messages to 50 rooms with long names, each to other rooms',
      20_000,
      (index) => [1, target(names(50, (room) => `${index} ${room} ${'n'.repeat(240)}`))],
    ],
    [
      'messages to the same 990 rooms',
      25_000,
      () => [1, target(names(990, (room) => `${room} ${'n'.repeat(240)}`))],
    ],
    [
      'messages to all but the same 990 rooms',
      15_000,
      () => [
        1,
        target(
          [],
          names(990, (room) => `${room} ${'n'.repeat(240)}`),
        ),
      ],
    ],
    [
      'messages to all but one client, each without another client',
      300,
      (index) => [
        1,
        target(
          [],
          names(1, () => `client number ${index}`),
        ),
      ],
    ],
  ];
  it.each(kinds)('%s', async (_, size, emit) => {
    const fill = (): MessageLog => {
      const log = new MessageLog(3_600_000, LIMIT);
      for (let count = (2 * LIMIT) / size, index = 0; index < count; index++) {
        const [data, to] = emit(index);
        const frame = frameOf({ data: ['news', data, String(log.advance())] });
        log.add('/ws', to as never, frame);
      }
      return log;
    };
    await expectLimit(fill);
  });

  it('messages to long paths that clients chose, each to another path', async () => {
    const fill = (): MessageLog => {
      const log = new MessageLog(3_600_000, LIMIT);
      for (let index = 0; index < (2 * LIMIT) / 8_000; index++) {
        const frame = frameOf({ data: ['welcome', 1, String(log.advance())] });
        log.add(fresh(`/${index}/${'p'.repeat(8_000)}`), target() as never, frame);
      }
      return log;
    };
    await expectLimit(fill);
  });

  it('room names that are slices do not retain the longer text', async () => {
    const fill = (): MessageLog => {
      const log = new MessageLog(3_600_000, LIMIT);
      for (let index = 0; index < 100; index++) {
        const sent = `join ${index} and some more ${'x'.repeat(1_000_000)}`;
        const frame = frameOf({ data: ['news', 1, String(log.advance())] });
        log.add('/ws', target([sent.slice(0, 25)]) as never, frame);
        log.add('/ws', target([], [sent.slice(0, 26)]) as never, frame);
      }
      return log;
    };
    expect(await retainedBytes(fill, () => undefined)).toBeLessThan(1_000_000);
  });

  it('all are freed again', async () => {
    const fill = (): MessageLog => {
      const log = new MessageLog(3_600_000, LIMIT);
      for (let index = 0; index < 20_000; index++) {
        const frame = frameOf({ data: ['news', 1, String(log.advance())] });
        log.add(`/ws/${index % 100}`, target([`a ${index}`, `b ${index}`], [`c ${index}`]) as never, frame);
      }
      const huge = frameOf({ data: ['news', 'x'.repeat(2 * LIMIT), String(log.advance())] });
      log.add('/ws', target() as never, huge);
      return log;
    };
    expect(await retainedBytes(fill, ({ bytes }) => expect(bytes).toBe(0))).toBeLessThan(1_000_000);
  });
});

describe('the bytes that the session store counts match the heap', () => {
  const expires = Date.now() + 3_600_000;
  const sessionOf = (index: number, more: Partial<ExpiringSession>): ExpiringSession => ({
    token: `${String(index).padStart(20, 'i')}.${String(index).padStart(24, 't')}`,
    id: fresh(String(index).padStart(20, 'i')),
    rooms: [],
    data: {},
    identity: undefined,
    sent: fresh(`abcdefgh.${index}`),
    from: fresh(`abcdefgh.${index}`),
    address: '192.0.2.1',
    expires,
    ...more,
  });
  const kinds: [what: string, size: number, more: (index: number) => Partial<ExpiringSession>][] = [
    ['empty sessions', 1_000, () => ({})],
    [
      'each of another address and user',
      2_500,
      (index) => ({ address: fresh(`2001:db8:${index}:1`), identity: fresh(`sub user-${index}`) }),
    ],
    [
      'on a long path that the client chose',
      8_000,
      (index) => ({ server: fresh(`/${index}/${'p'.repeat(8_000)}`) }),
    ],
    ['with two tokens', 1_000, (index) => ({ former: fresh(`${index}`.padStart(45, 'f')) })],
    [
      'in 990 rooms',
      300_000,
      (index) => ({ rooms: names(990, (room) => `${index} ${room} ${'n'.repeat(240)}`) }),
    ],
    ['with a long text', 20_000, (index) => ({ data: { note: fresh(`${index}${'x'.repeat(20_000)}`) } })],
    [
      'with many fields that a client named',
      200_000,
      (index) => ({
        data: Object.fromEntries(
          names(1_000, (field) => `${index} ${field}`).map((name) => [name, { on: 1 }]),
        ),
      }),
    ],
    ['with a list of numbers', 16_000, () => ({ data: Array.from({ length: 1_000 }, (_, n) => n + 0.5) })],
    [
      'with Maps and Sets',
      100_000,
      (index) => ({
        data: {
          map: new Map(names(500, (key) => `${index} ${key}`).map((key) => [key, 1])),
          set: new Set(names(500, (key) => `${index} ${key}`)),
        },
      }),
    ],
    ['with bytes', 10_000, () => ({ data: { bytes: Buffer.alloc(10_000) } })],
  ];
  it.each(kinds)('%s', async (_, size, more) => {
    const fill = (): SessionStore<ExpiringSession> => {
      const store = new SessionStore<ExpiringSession>(LIMIT, () => undefined);
      for (let count = (2 * LIMIT) / size, index = 0; index < count; index++)
        store.put(sessionOf(index, more(index)));
      return store;
    };
    await expectLimit(fill);
  });

  it('room names that are slices do not retain the longer text', async () => {
    const fill = (): SessionStore<ExpiringSession> => {
      const store = new SessionStore<ExpiringSession>(LIMIT, () => undefined);
      for (let index = 0; index < 100; index++) {
        const sent = `join ${index} and some more ${'x'.repeat(1_000_000)}`;
        store.put(sessionOf(index, { rooms: [sent.slice(0, 25)] }));
      }
      return store;
    };
    const held = await retainedBytes(fill, ({ size }) => expect(size).toBe(100));
    expect(held).toBeLessThan(1_000_000);
  });

  it('data that references the whole application is reasons quickly', () => {
    const reasons: string[] = [];
    const store = new SessionStore<ExpiringSession>(LIMIT, (why) => reasons.push(why));
    const everything = Array.from({ length: 100_000 }, (_, index) => ({ index, get: () => heapBytes }));
    const circle: Record<string, unknown> = { name: 'circle', class: BroadcastOperator };
    circle['self'] = circle;
    store.put(sessionOf(1, { data: circle }));
    expect(store.size).toBe(1);
    store.put(sessionOf(2, { data: { everything } }));
    expect(store.size).toBe(1);
    expect(reasons).toEqual(['too large']);
  });
});
