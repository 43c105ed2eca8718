import * as fc from 'fast-check';
import { decode, encodeAnswer, encodeEvent } from '../../lib/protocol/codec.js';
import { Refusal, type Envelope } from '../../lib/protocol/envelope.js';
import type { Random } from '../support/random.js';
import { randomMessage } from './envelope-corpus.js';
import { answeredId, bracketDepth, depthOf, faultsOf, fieldsOf, type ModelLimits } from './envelope-model.js';
import { check, fuzz } from './fuzz.js';
import { property } from './property.js';

const UNLIMITED: ModelLimits = { maxEventNameLength: Infinity, maxJsonDepth: Infinity };

/** The fixed sentences of refusals, which quote nothing of the message. */
const SENTENCE =
  /^[a-z]+ must (not )?(be|exceed) [a-zA-Z0-9 ,-]+$|^a message must (not )?(be|have) [a-zA-Z0-9 -]+$/;

const own = Object.getOwnPropertyNames(Object.prototype).length;

function limitsOf(random: Random): ModelLimits {
  if (random.chance(0.3)) return UNLIMITED;
  return { maxEventNameLength: 1 + random.below(300), maxJsonDepth: 1 + random.below(20) };
}

function parse(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** Compares the result of the parser with that of the model. */
function compare(text: string, limits: ModelLimits): void {
  const result = decode(text, limits);
  const parsed = parse(text);
  if (result instanceof Refusal) {
    check(SENTENCE.test(result.message), 'a refusal quotes the message', result.message, text);
    if (parsed === undefined) {
      check(
        result.code === 'bad_frame' || result.code === 'too_deep',
        'wrong code for invalid JSON',
        result,
        text,
      );
    } else if (result.code === 'too_deep') {
      check(bracketDepth(text) > limits.maxJsonDepth, 'wrongly refused as too deep', text, limits);
      check(Object.is(result.id, answeredId(parsed.value)), 'refused with another id', result, text);
    } else {
      check(faultsOf(parsed.value, limits).has(result.code), 'refused with a wrong code', result, text);
      check(Object.is(result.id, answeredId(parsed.value)), 'refused with another id', result, text);
    }
    return;
  }
  check(parsed !== undefined, 'accepted invalid JSON', text);
  const faults = faultsOf(parsed.value, limits);
  check(faults.size === 0, 'accepted an invalid envelope', text, [...faults]);
  check(depthOf(parsed.value) <= limits.maxJsonDepth, 'accepted a message that is too deep', text, limits);
  checkFields(result, fieldsOf(parsed.value), text);
  checkWriting(result, text);
}

function checkFields(envelope: Envelope, expected: Record<string, unknown>, text: string): void {
  const entries = Object.entries(envelope);
  check(entries.length === Object.keys(expected).length, 'has other fields', Object.keys(envelope), text);
  for (const [name, value] of entries)
    check(JSON.stringify(value) === JSON.stringify(expected[name]), `read ${name} wrongly`, value, text);
}

/**
 * JSON.parse reads numbers that are too large for a double, such as `1e999`, as Infinity, which JSON cannot represent.
 */
function hasInfinity(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasInfinity);
}

/** Checks that a decoded envelope can be encoded, and decodes to the same again. */
function checkWriting({ event, data, id, ack, stream, more }: Envelope, text: string): void {
  if (event === undefined) return;
  const write = (): string =>
    ack === undefined ? encodeEvent(event, data, id, stream) : encodeAnswer(event, data, ack, more);
  if (hasInfinity(data)) {
    let thrown: unknown;
    try {
      write();
    } catch (error) {
      thrown = error;
    }
    return check(thrown instanceof TypeError, 'encoded Infinity', text);
  }
  const written = write();
  const again = decode(written, UNLIMITED);
  check(!(again instanceof Refusal), 'encoded what it cannot decode', written, text);
  check(
    again.event === event && again.ack === ack && JSON.stringify(again.data) === JSON.stringify(data),
    'encoded something else',
    written,
    text,
  );
}

describe('the envelope parser', () => {
  afterEach(() => {
    expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(own);
  });

  fuzz('decodes any text like the model of the protocol', 10_000, (random) => {
    compare(randomMessage(random), limitsOf(random));
  });

  fuzz('ignores a polluted Object.prototype', 1_000, (random) => {
    const text = randomMessage(random);
    const limits = limitsOf(random);
    const names = random.some([
      'event',
      'data',
      'id',
      'ack',
      'stream',
      'more',
      'meta',
      'kind',
      'pattern',
      'metadata',
    ]);
    const values = ['evil', 7, true, { evil: 1 }];
    const clean = decode(text, limits);
    for (const name of names)
      Object.defineProperty(Object.prototype, name, { value: random.pick(values), configurable: true });
    let polluted: Envelope | Refusal;
    try {
      polluted = decode(text, limits);
    } finally {
      for (const name of names) Reflect.deleteProperty(Object.prototype, name);
    }
    check(JSON.stringify(polluted) === JSON.stringify(clean), 'read a prototype', text, names);
  });

  property(
    'decodes every value that it encoded',
    500,
    fc.tuple(
      fc.string({ minLength: 1, maxLength: 256, unit: 'binary' }),
      fc.jsonValue({ maxDepth: 5 }),
      fc.oneof(fc.string({ minLength: 1, maxLength: 64, unit: 'binary' }), fc.maxSafeInteger()),
      fc.boolean(),
    ),
    ([event, data, id, flag]) => {
      const texts = [
        encodeEvent(event, data),
        encodeEvent(event, data, id, flag),
        encodeAnswer(event, data, id, flag),
      ];
      for (const text of texts) {
        compare(text, UNLIMITED);
        const envelope = decode(text, UNLIMITED) as Envelope;
        check(envelope.event === event, 'another event', envelope, event);
        check(JSON.stringify(envelope.data) === JSON.stringify(data), 'other data', envelope, data);
      }
    },
  );
});
