import { of } from 'rxjs';

class Holder {
  readonly #hidden = 1;
  readonly inside = new Map([[this.#hidden, 1]]);
}

function circular(): object {
  const parent: { child: { parent?: object } } = { child: {} };
  parent.child.parent = parent;
  return parent;
}

/**
 * Values that JSON would drop, empty, replace or refuse: a function that creates each, its place, and its name in the
 * error.
 */
export const UNSERIALIZABLE: readonly (readonly [
  name: string,
  make: () => unknown,
  place: string,
  kind: string,
])[] = [
  ['a Uint8Array', () => new Uint8Array([1, 2]), 'data', 'a Uint8Array'],
  ['an empty Uint8Array in a list', () => [1, new Uint8Array()], 'data[1]', 'a Uint8Array'],
  ['a Float64Array', () => ({ v: new Float64Array(1) }), 'data.v', 'a Float64Array'],
  ['a DataView', () => new DataView(new ArrayBuffer(1)), 'data', 'a DataView'],
  ['a Buffer', () => ({ items: [{ buffer: Buffer.from('a') }] }), 'data.items[0].buffer', 'a Buffer'],
  ['an ArrayBuffer', () => new ArrayBuffer(1), 'data', 'an ArrayBuffer'],
  ['a SharedArrayBuffer', () => new SharedArrayBuffer(1), 'data', 'a SharedArrayBuffer'],
  ['a Blob', () => ({ file: new Blob(['a']) }), 'data.file', 'a Blob'],
  ['a Map', () => new Map([[1, 2]]), 'data', 'a Map'],
  ['a Map in an instance', () => new Holder(), 'data.inside', 'a Map'],
  ['a Set', () => ({ a: { 'b c': new Set([1]) } }), 'data.a["b c"]', 'a Set'],
  ['a WeakMap', () => new WeakMap(), 'data', 'a WeakMap'],
  ['a WeakSet', () => [new WeakSet()], 'data[0]', 'a WeakSet'],
  ['URLSearchParams', () => new URLSearchParams('a=1'), 'data', 'a URLSearchParams'],
  ['a bigint', () => ({ n: [1n] }), 'data.n[0]', 'a BigInt'],
  ['a function', () => ({ f: () => 1 }), 'data.f', 'a function'],
  ['a function in a list', () => [() => 1], 'data[0]', 'a function'],
  ['a class', () => ({ type: Holder }), 'data.type', 'a function'],
  ['a symbol', () => Symbol('s'), 'data', 'a symbol'],
  ['a symbol inside', () => ({ s: Symbol('s') }), 'data.s', 'a symbol'],
  ['a circular value', circular, 'data.child.parent', 'a circular reference'],
  ['NaN', () => NaN, 'data', 'NaN'],
  ['NaN inside', () => ({ x: { y: 0 / 0 } }), 'data.x.y', 'NaN'],
  ['Infinity', () => [Infinity], 'data[0]', 'Infinity'],
  ['-Infinity', () => -Infinity, 'data', '-Infinity'],
  ['an invalid Date', () => ({ at: new Date(NaN) }), 'data.at', 'an invalid Date'],
  ['a promise', () => ({ later: Promise.resolve(1) }), 'data.later', 'a Promise'],
  ['an Observable', () => ({ later: of(1) }), 'data.later', 'an Observable'],
  ['a generator', () => ({ all: [1].values() }), 'data.all', 'an Array Iterator'],
  ['an Error', () => ({ error: new TypeError('secret') }), 'data.error', 'a TypeError'],
  ['a RegExp', () => [/x/], 'data[0]', 'a RegExp'],
];

/** Values that JSON represents, directly or through their toJSON(). */
export const SERIALIZABLE: readonly (readonly [name: string, value: unknown, data: unknown])[] = [
  ['a date', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
  ['an object with toJSON()', { toJSON: () => ({ a: 1 }), f: () => 1 }, { a: 1 }],
  ['an instance with toJSON()', new URL('http://example.com/'), 'http://example.com/'],
  [
    'an instance',
    new (class Point {
      x = 1;
      y = null;
    })(),
    { x: 1, y: null },
  ],
  ['undefined in an object and in a list', { a: undefined, b: [undefined] }, { b: [null] }],
  ['boxed values', [Object('s'), Object(1), Object(false)], ['s', 1, false]],
  ['no prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ['keys that are symbols', { a: 1, [Symbol('b')]: 2 }, { a: 1 }],
  ['one value twice', twice(), { a: { n: 1 }, b: [{ n: 1 }] }],
  ['an error with an own property message', Object.assign(new Error(), { message: 'no' }), { message: 'no' }],
];

function twice(): object {
  const one = { n: 1 };
  return { a: one, b: [one] };
}
