import { BroadcastOperator } from '../../lib/server/rooms/broadcast-operator.js';
import { MessageLog } from '../../lib/server/recovery/message-log.js';
import { SessionStore, type Parked } from '../../lib/server/recovery/session-store.js';
import { encodePacket } from '../../lib/server/rooms/packet-encoder.js';
import { heapBytes, heldBytes } from '../support/heap.js';

const LIMIT = 4_000_000;
/** The limit holds against the heap, and no more than that part of it is given away. */
const LEAST = 0.3;
const MOST = 1.5;

/** Rooms as a broadcast has them. */
const target = (rooms: Iterable<string> = [], except: Iterable<string> = []): object => ({
  rooms: new Set(rooms),
  except: new Set(except),
});
/** A text that no other string shares its characters with, as one that came in a message. */
const fresh = (text: string): string => JSON.parse(JSON.stringify(text)) as string;
const names = (count: number, of: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, index) => fresh(of(index)));

async function expectLimit(fill: () => { readonly bytes: number }): Promise<void> {
  const held = await heldBytes(fill, ({ bytes }) => {
    expect(bytes).toBeLessThanOrEqual(LIMIT);
    expect(bytes).toBeGreaterThan(0.8 * LIMIT);
  });
  expect(held / LIMIT).toBeLessThan(MOST);
  expect(held / LIMIT).toBeGreaterThan(LEAST);
}

describe('the bytes that the message log counts', () => {
  /** `size`: of one message, at most; there are so many that the log is full twice over. */
  const kinds: [what: string, size: number, emit: (index: number) => [unknown, object]][] = [
    ['tiny messages to everybody', 250, (index) => [index, target()]],
    ['long messages', 10_000, (index) => [`${index}${'x'.repeat(10_000)}`, target()]],
    ['text of two bytes a character', 20_000, (index) => [`${index}${'界'.repeat(10_000)}`, target()]],
    [
      'tiny messages, each to a room of its own',
      600,
      (index) => [1, target(names(1, () => `room ${index}`))],
    ],
    [
      'messages to 50 rooms with long names, others each time',
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
      'messages to all but one client, another each time',
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
        const [frame] = encodePacket({ data: ['news', data, String(log.advance())] });
        log.add('/ws', to as never, frame);
      }
      return log;
    };
    await expectLimit(fill);
  });

  it('messages to a path that a client chose, another each time', async () => {
    const fill = (): MessageLog => {
      const log = new MessageLog(3_600_000, LIMIT);
      for (let index = 0; index < (2 * LIMIT) / 8_000; index++) {
        const [frame] = encodePacket({ data: ['welcome', 1, String(log.advance())] });
        log.add(fresh(`/${index}/${'p'.repeat(8_000)}`), target() as never, frame);
      }
      return log;
    };
    await expectLimit(fill);
  });

  it('names that are parts of longer texts do not keep those', async () => {
    const fill = (): MessageLog => {
      const log = new MessageLog(3_600_000, LIMIT);
      for (let index = 0; index < 100; index++) {
        const sent = `join ${index} and some more ${'x'.repeat(1_000_000)}`;
        const [frame] = encodePacket({ data: ['news', 1, String(log.advance())] });
        log.add('/ws', target([sent.slice(0, 25)]) as never, frame);
        log.add('/ws', target([], [sent.slice(0, 26)]) as never, frame);
      }
      return log;
    };
    expect(await heldBytes(fill, () => undefined)).toBeLessThan(1_000_000);
  });

  it('is all given back', async () => {
    const fill = (): MessageLog => {
      const log = new MessageLog(3_600_000, LIMIT);
      for (let index = 0; index < 20_000; index++) {
        const [frame] = encodePacket({ data: ['news', 1, String(log.advance())] });
        log.add(`/ws/${index % 100}`, target([`a ${index}`, `b ${index}`], [`c ${index}`]) as never, frame);
      }
      const [huge] = encodePacket({ data: ['news', 'x'.repeat(2 * LIMIT), String(log.advance())] });
      log.add('/ws', target() as never, huge);
      return log;
    };
    expect(await heldBytes(fill, ({ bytes }) => expect(bytes).toBe(0))).toBeLessThan(1_000_000);
  });
});

describe('the bytes that the store of sessions counts', () => {
  const expires = Date.now() + 3_600_000;
  const sessionOf = (index: number, more: Partial<Parked>): Parked => ({
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
  const kinds: [what: string, size: number, more: (index: number) => Partial<Parked>][] = [
    ['sessions with nothing in them', 1_000, () => ({})],
    [
      'each of an address and a user of its own',
      2_500,
      (index) => ({ address: fresh(`2001:db8:${index}:1`), identity: fresh(`sub user-${index}`) }),
    ],
    [
      'on a path that its client chose',
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
    const fill = (): SessionStore<Parked> => {
      const store = new SessionStore<Parked>(LIMIT, () => undefined);
      for (let count = (2 * LIMIT) / size, index = 0; index < count; index++)
        store.put(sessionOf(index, more(index)));
      return store;
    };
    await expectLimit(fill);
  });

  it('rooms whose names are parts of longer texts do not keep those', async () => {
    const fill = (): SessionStore<Parked> => {
      const store = new SessionStore<Parked>(LIMIT, () => undefined);
      for (let index = 0; index < 100; index++) {
        const sent = `join ${index} and some more ${'x'.repeat(1_000_000)}`;
        store.put(sessionOf(index, { rooms: [sent.slice(0, 25)] }));
      }
      return store;
    };
    const held = await heldBytes(fill, ({ size }) => expect(size).toBe(100));
    expect(held).toBeLessThan(1_000_000);
  });

  it('data that leads to the whole application is not kept, and does not take long', () => {
    const refused: string[] = [];
    const store = new SessionStore<Parked>(LIMIT, (why) => refused.push(why));
    const everything = Array.from({ length: 100_000 }, (_, index) => ({ index, get: () => heapBytes }));
    const circle: Record<string, unknown> = { name: 'circle', class: BroadcastOperator };
    circle['self'] = circle;
    store.put(sessionOf(1, { data: circle }));
    expect(store.size).toBe(1);
    store.put(sessionOf(2, { data: { everything } }));
    expect(store.size).toBe(1);
    expect(refused).toEqual(['too large']);
  });
});
