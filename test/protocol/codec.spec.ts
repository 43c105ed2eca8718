import * as fc from 'fast-check';
import { decode as decodeWithin, encodeAnswer, encodeEvent } from '../../lib/protocol/codec.js';
import { Refusal, toEnvelope as toEnvelopeWithin } from '../../lib/protocol/envelope.js';

const MAX_EVENT_LENGTH = 256;
const LIMITS = { maxEventNameLength: MAX_EVENT_LENGTH, maxJsonDepth: Infinity };
const decode = (text: string) => decodeWithin(text, LIMITS);
const toEnvelope = (value: unknown) => toEnvelopeWithin(value, LIMITS);

const RUNS = { numRuns: 300 };
const name = fc.string({ minLength: 1, maxLength: MAX_EVENT_LENGTH, unit: 'binary' });
const id = fc.oneof(fc.string({ minLength: 1, maxLength: 64, unit: 'binary' }), fc.maxSafeInteger());
/** Any JSON value. The round trip turns -0 into 0. */
const json = fc
  .jsonValue({ noUnicodeString: false })
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);

describe('the codec', () => {
  it('encodes an envelope like JSON.stringify', () => {
    fc.assert(
      fc.property(name, json, id, fc.boolean(), (event, data, id, flag) => {
        expect(encodeEvent(event, data)).toBe(JSON.stringify({ event, data }));
        expect(encodeEvent(event, data, id)).toBe(JSON.stringify({ event, data, id }));
        expect(encodeEvent(event, data, id, true)).toBe(JSON.stringify({ event, data, id, stream: true }));
        const more = flag ? { more: true } : {};
        expect(encodeAnswer(event, data, id, flag)).toBe(JSON.stringify({ event, data, ack: id, ...more }));
      }),
      RUNS,
    );
  });

  it('decodes what it encoded', () => {
    fc.assert(
      fc.property(name, json, id, fc.boolean(), (event, data, id, flag) => {
        const empty = { data, id: undefined, ack: undefined, stream: false, more: false, meta: undefined };
        expect(decode(encodeEvent(event, data, id, flag))).toEqual({ ...empty, event, id, stream: flag });
        expect(decode(encodeAnswer(event, data, id, flag))).toEqual({ ...empty, event, ack: id, more: flag });
      }),
      RUNS,
    );
  });

  it('omits undefined data', () => {
    expect(encodeEvent('e', undefined)).toBe('{"event":"e"}');
    expect(encodeEvent('e', undefined, 1)).toBe('{"event":"e","id":1}');
    expect(encodeAnswer('e', undefined, 'x', true)).toBe('{"event":"e","ack":"x","more":true}');
  });

  it('throws for data that JSON cannot represent, and still encodes afterwards', () => {
    for (const data of [
      1n,
      { toJSON: () => 1n },
      () => 1,
      Symbol('s'),
      NaN,
      new Map(),
      [new Uint8Array(1)],
    ]) {
      expect(() => encodeEvent('e', data)).toThrow(TypeError);
      expect(() => encodeAnswer('e', data, 1, false)).toThrow(TypeError);
    }
    expect(encodeEvent('e', 1)).toBe('{"event":"e","data":1}');
  });

  it('encodes each name correctly, even with more names than it caches', () => {
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 2_000; i++) expect(encodeEvent(`n${i}`, i)).toBe(`{"event":"n${i}","data":${i}}`);
    }
    expect(encodeEvent('__proto__', 1)).toBe('{"event":"__proto__","data":1}');
  });

  it('never throws when it decodes, and accepts only envelopes', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      json.map((value) => JSON.stringify({ event: value, id: value, ack: value, meta: value, data: value })),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const read = decode(text);
        if (read instanceof Refusal) {
          expect(['bad_frame', 'bad_event', 'bad_id']).toContain(read.code);
          expect(read.toPayload()).toEqual({ status: 'error', code: read.code, message: read.message });
          return;
        }
        const value = JSON.parse(text) as Record<string, unknown>;
        expect(read.event ?? read.ack).toBeDefined();
        expect([value['event'], value['id'], value['ack']]).toEqual([read.event, read.id, read.ack]);
      }),
      RUNS,
    );
  });
});

describe('the validation of an envelope', () => {
  const id = (value: unknown) => toEnvelope({ event: 'e', id: value });

  it('accepts only ids of 1 to 64 characters and safe integers', () => {
    for (const good of ['x', 'x'.repeat(64), ' ', 0, -0, -1, 2 ** 53 - 1, 1 - 2 ** 53]) {
      expect(id(good)).toMatchObject({ id: good });
    }
    const bad = ['', 'x'.repeat(65), 1.5, NaN, Infinity, 2 ** 53, null, true, [], {}, [1], 1n, Symbol('s')];
    for (const value of bad) {
      expect(id(value)).toMatchObject({ code: 'bad_id', id: undefined });
      expect(toEnvelope({ event: 'e', ack: value, id: 1 })).toMatchObject({ code: 'bad_id', id: 1 });
    }
  });

  it('accepts an event of 1 to 256 characters, which is optional in a response', () => {
    expect(toEnvelope({ event: 'e'.repeat(256) })).not.toBeInstanceOf(Refusal);
    expect(toEnvelope({ event: 'e'.repeat(257) })).toMatchObject({ code: 'bad_event' });
    expect(toEnvelope({ ack: 1 })).toMatchObject({ ack: 1, event: undefined });
    for (const event of ['', null, 0, 1, true, {}, ['e'], () => 'e']) {
      expect(toEnvelope({ event })).toMatchObject({ code: 'bad_event' });
      expect(toEnvelope({ event, ack: 1 })).toMatchObject({ code: 'bad_event' });
    }
  });

  it('reads "stream" and "more" only when they are true', () => {
    for (const value of [1, 'true', {}, [], false, null]) {
      expect(toEnvelope({ event: 'e', stream: value, more: value })).toMatchObject({
        stream: false,
        more: false,
      });
    }
    expect(toEnvelope({ event: 'e', stream: true, more: true })).toMatchObject({ stream: true, more: true });
  });

  it('reads own fields only, and copies no unknown fields', () => {
    const inherited: unknown = Object.create({ event: 'e', id: 1, data: 2, ack: 3, meta: {} });
    expect(toEnvelope(inherited)).toMatchObject({ code: 'bad_event', id: undefined });
    expect(toEnvelope(Object.assign(inherited as object, { event: 'own' }))).toEqual({
      ...{ event: 'own', data: undefined, id: undefined, ack: undefined, meta: undefined },
      ...{ stream: false, more: false },
    });
    expect(Object.keys(toEnvelope({ event: 'e', other: 1, constructor: 2 }))).toEqual([
      ...['event', 'data', 'id', 'ack', 'stream', 'more', 'meta', 'packet'],
    ]);
    expect(toEnvelope(JSON.parse('{"__proto__":{"event":"e"}}'))).toMatchObject({ code: 'bad_event' });
  });

  it('accepts objects only', () => {
    for (const value of [null, undefined, 1, 'e', true, [], [{ event: 'e' }], 1n]) {
      expect(toEnvelope(value)).toMatchObject({ code: 'bad_frame' });
    }
    for (const meta of [null, 1, 'x', [], true]) {
      expect(toEnvelope({ event: 'e', id: 7, meta })).toMatchObject({ code: 'bad_frame', id: 7 });
    }
  });
});
