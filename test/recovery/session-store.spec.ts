import { SessionStore, type ExpiringSession } from '../../lib/server/recovery/session-store.js';

const LIMIT = 100_000;

describe('SessionStore', () => {
  let dropped: string[];
  let store: SessionStore<ExpiringSession>;
  let count: number;
  const put = (address: string | undefined, more: Partial<ExpiringSession> = {}): string => {
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

  it('returns a session once, for either of its tokens', () => {
    put('a', { token: 'new', former: 'old', rooms: ['red'], data: { score: 7 } });
    expect(store.peek('old')).toBe(store.peek('new'));
    expect(store.take('old')).toMatchObject({ token: 'new', rooms: ['red'], data: { score: 7 } });
    expect(store.take('new')).toBeUndefined();
    expect(store.take('old')).toBeUndefined();
    expect(store.bytes).toBe(0);
  });

  it('counts a session again that is put back', () => {
    const token = put('a');
    const { bytes } = store;
    store.put(store.peek(token)!);
    expect(store.bytes).toBe(bytes);
    store.put(store.take(token)!);
    expect(store.bytes).toBe(bytes);
  });

  it('drops only the sessions of an address that disconnects again and again', () => {
    const others = Array.from({ length: 20 }, (_, index) => put(`other ${index}`));
    const own = Array.from({ length: 1_000 }, () => put('flood'));
    expect(others.filter(has)).toHaveLength(20);
    const left = own.filter(has);
    expect(left.length).toBeGreaterThan(20);
    // the oldest were dropped
    expect(left).toEqual(own.slice(-left.length));
    expect(store.bytes).toBeLessThanOrEqual(LIMIT);
    expect(new Set(dropped)).toEqual(new Set(['full']));
  });

  it('drops only the sessions of one user with many addresses', () => {
    const others = Array.from({ length: 20 }, (_, index) =>
      put(`other ${index}`, { identity: `user ${index}` }),
    );
    for (let index = 0; index < 1_000; index++) put(`address ${index}`, { identity: 'user flood' });
    expect(others.filter(has)).toHaveLength(20);
  });

  it('drops only the sessions of one address with many users', () => {
    const others = Array.from({ length: 20 }, (_, index) =>
      put(`other ${index}`, { identity: `user ${index}` }),
    );
    for (let index = 0; index < 1_000; index++) put('flood', { identity: `account ${index}` });
    expect(others.filter(has)).toHaveLength(20);
  });

  it('drops only the sessions of unknown addresses', () => {
    const others = Array.from({ length: 20 }, (_, index) => put(`other ${index}`));
    for (let index = 0; index < 1_000; index++) put(undefined);
    expect(others.filter(has)).toHaveLength(20);
  });

  it('drops only the sessions of an address with few large ones', () => {
    const others = Array.from({ length: 20 }, (_, index) => put(`other ${index}`));
    const rooms = Array.from({ length: 900 }, (_, index) => `room ${index}`);
    const own = Array.from({ length: 10 }, () => put('flood', { rooms }));
    expect(others.filter(has)).toHaveLength(20);
    expect(own.filter(has)).toEqual([own.at(-1)]);
  });

  it('refuses a session that is larger than its limit', () => {
    const rooms = Array.from({ length: 5_000 }, (_, index) => `room ${index}`);
    expect(has(put('a', { rooms }))).toBe(false);
    expect(has(put('a', { data: { text: 'x'.repeat(LIMIT / 2) } }))).toBe(false);
    expect(dropped).toEqual(['full', 'too large']);
    expect(store.bytes).toBe(0);
  });

  it('drops expired sessions', () => {
    const early = put('a', { expires: 100 });
    const late = put('a', { expires: 200 });
    store.sweep(150);
    expect([early, late].map(has)).toEqual([false, true]);
    store.sweep(200);
    expect(store.size).toBe(0);
    expect(store.bytes).toBe(0);
  });
});
