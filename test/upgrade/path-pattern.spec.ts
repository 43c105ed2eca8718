import * as fc from 'fast-check';
import { compilePath, isPattern, normalisePath, pathOf } from '../../lib/server/upgrade/path-pattern.js';
import { mountPointName } from '../../lib/server/upgrade/mount-point.js';

describe('paths', () => {
  it.each([
    [[undefined], '/'],
    [[''], '/'],
    [['/'], '/'],
    [['chat'], '/chat'],
    [['/chat/'], '/chat'],
    [['//a///b//'], '/a/b'],
    [['/ws', 'chat'], '/ws/chat'],
    [['/ws/', '/chat/'], '/ws/chat'],
    [[undefined, '/chat'], '/chat'],
    [['/ws', ''], '/ws'],
    [['/ws', undefined], '/ws'],
    [['/'], '/'],
    [['/', '/'], '/'],
    [['/a b'], '/a%20b'],
    [['/ümlaut', 'чат'], '/%C3%BCmlaut/%D1%87%D0%B0%D1%82'],
    [['/pl%61in%2fx%c3%bc'], '/plain%2Fx%C3%BC'],
    [['/100%', 'a%zz', '%61'], '/100%/a%zz/a'],
    [['/\ud800'], '/%EF%BF%BD'],
    [['/a<b>"^`|'], '/a%3Cb%3E%22%5E%60|'],
    [['/räume/:größe', 'ü*é'], '/r%C3%A4ume/:größe/ü*é'],
  ])('%j are normalised to %s', (parts, path) => {
    expect(normalisePath(...parts)).toBe(path);
  });

  it('stay the same when normalised again, and join to the same path in any number of steps', () => {
    const part = fc.option(
      fc.array(fc.constantFrom('/', 'a', 'B', ':id', '.', '%2f', 'ü')).map((list) => list.join('')),
      { nil: undefined },
    );
    fc.assert(
      fc.property(part, part, (first, second) => {
        const path = normalisePath(first, second);
        expect(path).toMatch(/^\/(?!\/)/);
        expect(path === '/' || !path.endsWith('/')).toBe(true);
        expect(path).not.toContain('//');
        expect(normalisePath(path)).toBe(path);
        expect(normalisePath(normalisePath(first), second)).toBe(path);
        expect(normalisePath(first, normalisePath(second))).toBe(path);
      }),
    );
  });

  it.each([
    ['/ws', '/ws'],
    ['/ws?token=/a', '/ws'],
    ['/ws#x?y', '/ws'],
    ['//ws', '//ws'],
    ['/ws//', '/ws//'],
    ['/ws//x/', '/ws//x'],
    ['/?', '/'],
    ['/ws/?a=b#c', '/ws'],
    ['/%2e%2e/', '/..'],
    ['/pl%61in%2d%5f', '/plain-_'],
    ['/%c3%bc%2f', '/%C3%BC%2F'],
    ['/%zz%61', '/%zz%61'],
    ['/a";--<b>\\{c}^`/%22|~?"', '/a%22;--%3Cb%3E%5C%7Bc%7D%5E%60/%22|~'],
    // UTF-8 bytes read as Latin-1, as curl sends them
    ['/\u00c3\u00bcmlaut', '/%C3%BCmlaut'],
    ['', undefined],
    [undefined, undefined],
    ['*', undefined],
    ['ws', undefined],
    ['?x', undefined],
    ['http://host/ws', undefined],
    ['host:80', undefined],
  ])('parses the request target %j to %j', (target, path) => {
    expect(pathOf(target)).toBe(path);
  });

  it('are patterns when they have parameters or wildcards', () => {
    for (const path of ['/:id', '/a/:b', '/*rest', '/a{/b}']) expect(isPattern(path)).toBe(true);
    for (const path of ['/', '/ws', '/a.b', '/a-b', '/a%3Ab']) expect(isPattern(path)).toBe(false);
  });

  it('return their parameters, decoded, as an object without a prototype', () => {
    const room = compilePath('/rooms/:room/users/:user');
    expect(room('/rooms/1/users/ada')).toEqual({ room: '1', user: 'ada' });
    expect(room('/rooms/%C3%BC/users/a%2Fb')).toEqual({ room: 'ü', user: 'a/b' });
    expect(room('/rooms/__proto__/users/constructor')).toEqual({ room: '__proto__', user: 'constructor' });
    for (const other of ['/rooms/1/users', '/rooms//users/ada', '/rooms/1/users/ada/more', '/', '']) {
      expect(room(other)).toBeUndefined();
    }
    expect(compilePath('/räume/:größe{/b c}')('/r%C3%A4ume/x/b%20c')).toEqual({ größe: 'x' });
    // a path that cannot be decoded does not match, and does not throw
    expect(room('/rooms/%/users/ada')).toBeUndefined();
    expect(room('/rooms/%ff/users/ada')).toBeUndefined();
    expect(Object.entries(compilePath('/:__proto__')('/x') ?? {})).toEqual([['__proto__', 'x']]);
  });

  it('never throw on any request target', () => {
    const room = compilePath('/rooms/:room/*rest');
    fc.assert(
      fc.property(fc.oneof(fc.webPath(), fc.string({ unit: 'binary' })), (target) => {
        const path = pathOf(`/${target}`)!;
        expect(path.startsWith('/')).toBe(true);
        room(path);
        room(`/rooms${path}/x`);
      }),
      { numRuns: 300 },
    );
  });

  it('that are malformed throw an error that names them', () => {
    for (const path of ['/:', '/a/{b', '/*']) expect(() => compilePath(path)).toThrow(`"${path}"`);
  });

  it.each([
    [{ port: 0, path: '/' }, '/'],
    [{ port: 0, path: '/ws' }, '/ws'],
    [{ port: 3005, path: '/ws' }, ':3005/ws'],
    [{ port: 0, path: '/', expression: /^\/game-\d+$/ }, '/<game-\\d+>'],
    [{ port: 0, path: '/ws', expression: /^\/(chess|go)\/[^/]+$/gy }, '/ws/<(chess|go)/[^/]+>'],
    // an expression that is not the end of a path is shown unchanged
    [{ port: 0, path: '/', expression: /^\/a$/i }, '/</^\\/a$/i>'],
    [{ port: 1, path: '/ws', expression: /x/ }, ':1/ws/</x/>'],
    [{ port: 1, path: '/ws', expression: /^\/a$|^\/b$/ }, ':1/ws/</^\\/a$|^\\/b$/>'],
    [{ port: 0, path: '/', expression: /^\/a\$/ }, '/</^\\/a\\$/>'],
  ])('show the mount point %j as %s', (place, text) => {
    expect(mountPointName(place)).toBe(text);
  });
});
