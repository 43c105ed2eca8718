import { SessionStore, type Parked } from '../../lib/server/recovery/session-store.js';

const LIMIT = 100_000;

describe('SessionStore', () => {
  let dropped: string[];
  let store: SessionStore<Parked>;
  let count: number;
  const put = (address: string | undefined, more: Partial<Parked> = {}): string => {
    const token = `token ${count++}`;
    store.put({
      token,
      id: token,
      rooms: [],
      data: {},
      identity: undefined,
      sent: '',
      from: '',
      address,
      expires: Date.now() + 60_000,
      ...more,
    });
    return token;
  };
  const has = (token: string): boolean => store.peek(token) !== undefined;

  beforeEach(() => {
    dropped = [];
    count = 0;
    store = new SessionStore(LIMIT, (why) => dropped.push(why));
  });

  it('gives a session back once, by either of its tokens', () => {
    put('a', { token: 'new', former: 'old', rooms: ['red'], data: { score: 7 } });
    expect(store.peek('old')).toBe(store.peek('new'));
    expect(store.take('old')).toMatchObject({ token: 'new', rooms: ['red'], data: { score: 7 } });
    expect(store.take('new')).toBeUndefined();
    expect(store.take('old')).toBeUndefined();
    expect(store.bytes).toBe(0);
  });

  it('counts a session anew that is put back', () => {
    const token = put('a');
    const { bytes } = store;
    store.put(store.peek(token)!);
    expect(store.bytes).toBe(bytes);
    store.put(store.take(token)!);
    expect(store.bytes).toBe(bytes);
  });

  it('one address that leaves again and again pushes out its own sessions only', () => {
    const others = Array.from({ length: 20 }, (_, index) => put(`other ${index}`));
    const own = Array.from({ length: 1_000 }, () => put('flood'));
    expect(others.filter(has)).toHaveLength(20);
    const left = own.filter(has);
    expect(left.length).toBeGreaterThan(20);
    // the oldest went
    expect(left).toEqual(own.slice(-left.length));
    expect(store.bytes).toBeLessThanOrEqual(LIMIT);
    expect(new Set(dropped)).toEqual(new Set(['full']));
  });

  it('so does one user, whatever its addresses', () => {
    const others = Array.from({ length: 20 }, (_, index) =>
      put(`other ${index}`, { identity: `user ${index}` }),
    );
    for (let index = 0; index < 1_000; index++) put(`address ${index}`, { identity: 'user flood' });
    expect(others.filter(has)).toHaveLength(20);
  });

  it('so does one address, whatever its users', () => {
    const others = Array.from({ length: 20 }, (_, index) =>
      put(`other ${index}`, { identity: `user ${index}` }),
    );
    for (let index = 0; index < 1_000; index++) put('flood', { identity: `account ${index}` });
    expect(others.filter(has)).toHaveLength(20);
  });

  it('so do those whose address is not known', () => {
    const others = Array.from({ length: 20 }, (_, index) => put(`other ${index}`));
    for (let index = 0; index < 1_000; index++) put(undefined);
    expect(others.filter(has)).toHaveLength(20);
  });

  it('so do few large sessions', () => {
    const others = Array.from({ length: 20 }, (_, index) => put(`other ${index}`));
    const rooms = Array.from({ length: 900 }, (_, index) => `room ${index}`);
    const own = Array.from({ length: 10 }, () => put('flood', { rooms }));
    expect(others.filter(has)).toHaveLength(20);
    expect(own.filter(has)).toEqual([own.at(-1)]);
  });

  it('does not keep what is larger than all that it may keep', () => {
    const rooms = Array.from({ length: 5_000 }, (_, index) => `room ${index}`);
    expect(has(put('a', { rooms }))).toBe(false);
    expect(has(put('a', { data: { text: 'x'.repeat(LIMIT / 2) } }))).toBe(false);
    expect(dropped).toEqual(['full', 'too large']);
    expect(store.bytes).toBe(0);
  });

  it('drops what has expired', () => {
    const early = put('a', { expires: 100 });
    const late = put('a', { expires: 200 });
    store.sweep(150);
    expect([early, late].map(has)).toEqual([false, true]);
    store.sweep(200);
    expect(store.size).toBe(0);
    expect(store.bytes).toBe(0);
  });
});
