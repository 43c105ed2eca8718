import type { Random } from '../support/random.js';
import { Mutator } from './mutator.js';

const DEEP = 12;

/** Valid messages of every kind, and invalid ones of every kind. */
export const MESSAGES: readonly string[] = [
  '{"event":"echo"}',
  '{"event":"echo","data":{"a":[1,2.5,-3e7,true,null,"ü€😀"]}}',
  '{"event":"echo","data":[[]],"id":"x"}',
  '{"event":"echo","data":"","id":1,"stream":true,"meta":{"traceparent":"00-1"}}',
  '{"ack":7,"data":"at home"}',
  '{"event":"exception","ack":7,"data":{"status":"error","message":"no"}}',
  '{"event":"exception"}',
  '{"event":"connect","id":3}',
  '{"event":"newListener"}',
  '{"event":"e","id":1,"ack":1}',
  '{"event":"$ping","id":0}',
  '{"event":"$cancel","data":"x"}',
  '{"event":"$session","id":"a"}',
  '{"event":"$auth","id":2,"meta":{"token":"t"}}',
  '{"event":"$auth","data":{"token":"t"}}',
  '{"event":"","id":1}',
  '{"event":5,"id":"b"}',
  `{"event":"${'e'.repeat(256)}"}`,
  `{"event":"${'e'.repeat(257)}","id":3}`,
  `{"event":"e","id":"${'i'.repeat(64)}"}`,
  `{"event":"e","id":"${'i'.repeat(65)}"}`,
  '{"event":"e","id":9007199254740991}',
  '{"event":"e","id":9007199254740992}',
  '{"event":"e","id":1.5}',
  '{"event":"e","id":null,"ack":{}}',
  '{"event":"e","meta":[]}',
  '{"__proto__":{"event":"polluted","id":1},"constructor":{"prototype":{"x":1}}}',
  '{"event":"__proto__","data":{"__proto__":{"polluted":true}},"id":"__proto__"}',
  '{"event":"toString","event":"twice","data":{"data":1,"data":[[[2]]]}}',
  `{"event":"deep","data":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`,
  `{"event":"deep","data":${'{"a":'.repeat(DEEP)}"[[[{{{"${'}'.repeat(DEEP)}}`,
  '{"event":"quotes","data":"a\\"b\\\\\\"[[{{\\u005b\\\\"}',
  ' \t\r\n{ "event" : "spaced" , "data" : [ ] } ',
  '{"kind":"message","pattern":"users.count","payload":null,"metadata":{},"id":1}',
  '{"kind":"event","pattern":{"cmd":"x","__proto__":{}},"payload":[1],"id":"y"}',
  '{"kind":"message","pattern":7,"ack":1}',
  '{"kind":"message","pattern":[],"metadata":[],"event":"e"}',
  '{"kind":"response","pattern":"x"}',
  `{"kind":"message","pattern":"${'p'.repeat(1_025)}"}`,
  '[]',
  '[{"event":"echo"}]',
  'null',
  '"event"',
  '1',
  '',
];

const TOKENS: readonly string[] = [
  ...['{', '}', '[', ']', '"', ',', ':', '\\', '0', '-', '.', 'e', 'E', ' '],
  ...['"event"', '"data"', '"id"', '"ack"', '"stream"', '"more"', '"meta"'],
  ...['"event":"e",', '"id":1,', '"id":"a",', '"ack":2,', '"stream":true,', '"more":true,', '"meta":{},'],
  ...[
    '"kind":"message",',
    '"kind":"event",',
    '"pattern":"p",',
    '"pattern":{},',
    '"metadata":{},',
    '"payload":',
  ],
  ...['"data":', '"__proto__":', '"constructor":', '"toJSON":1', '"$ping"', '"exception"'],
  ...['null', 'true', 'false', '1e999', '-0', '9007199254740993', '-9007199254740991', '1.0', '1e2', '""'],
  ...['\\u0000', '\\ud83d', '\\u2028', '\\"', '\\\\', '\ufeff', '\u0000', '\ud83d', '\udc00', '😀', '\u2028'],
  ...['[[[[[[', ']]]]]]', '{"a":{"a":{"a":', '}}}', '/*', '//', "'", 'NaN', 'undefined', '0x1', '+1', '01'],
];

const texts = new Mutator(MESSAGES, TOKENS);

const FIELDS = ['event', 'data', 'id', 'ack', 'stream', 'more', 'meta', '__proto__', 'constructor', 'other'];
const STRINGS = [
  '',
  'e',
  'echo',
  '$ping',
  '$auth',
  '$',
  'exception',
  '__proto__',
  '😀',
  '\ud83d',
  '\u0000',
  '"',
  '\\',
];

/** Returns a random JSON value, usually of a type that some field accepts. */
function randomValue(random: Random, depth = 0): unknown {
  switch (random.below(depth > 5 ? 6 : 9)) {
    case 0:
      return random.pick([true, false, null]);
    case 1:
      return random.pick([0, -0, 1, -1, 1.5, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 1e300, 5e-324]);
    case 2:
      return random.pick(['e', 'i']).repeat(random.pick([1, 63, 64, 65, 255, 256, 257]));
    case 3:
    case 4:
    case 5:
      return random.pick(STRINGS);
    case 6:
      return Array.from({ length: random.below(4) }, () => randomValue(random, depth + 1));
    default:
      return randomObject(random, ['a', 'toJSON', ...FIELDS], 0.15, depth + 1);
  }
}

function randomObject(random: Random, names: readonly string[], chance: number, depth: number): object {
  const entries = names.filter(() => random.chance(chance)).map((name) => [name, randomValue(random, depth)]);
  // fromEntries makes __proto__ an own field
  return Object.fromEntries(entries) as object;
}

/** Returns the text of a message: a mutated one of the corpus, or one of random fields. */
export function randomMessage(random: Random): string {
  if (random.chance(0.6)) return texts.next(random);
  const message = { ...(random.chance(0.7) ? { event: 'e' } : {}), ...randomObject(random, FIELDS, 0.25, 0) };
  const text = JSON.stringify(message);
  return random.chance(0.2) ? texts.change(random, text) : text;
}
