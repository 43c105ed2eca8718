import type { Random } from '../support/random.js';
import { OP, type FrameSpec, type RawClient } from '../support/raw-client.js';
import { assault, expectToLive } from './fuzz-gateway.js';
import { ConversationLaw, type Answer, type Due } from './message-model.js';
import { randomMessage } from './envelope-corpus.js';
import { check } from './fuzz.js';
import { mutateBytes } from './mutator.js';

const EVENTS = ['list', 'void', 'two', 'boom', 'by hand', 'nobody', '$ping', '$cancel', 'close', 'error'];
const INSIDES = /at .*\.(ts|js):\d/;

const MALFORMED = ['', '[]', '{"event":5}', '{"event":"$x","id":ID}', '{"event":"exception"}', '{"id":ID}'];

/** One of many in a row. */
function malformed(random: Random, index: number): FrameSpec {
  return { opcode: OP.text, payload: random.pick(MALFORMED).replace('ID', `${2_000 + index}`) };
}

function randomPayload(random: Random, index: number): FrameSpec {
  const opcode = random.chance(0.8) ? OP.text : OP.binary;
  if (random.chance(0.45)) {
    const message = {
      event: random.pick(EVENTS),
      ...(random.chance(0.7) && { data: random.pick([null, index, { a: [index] }, 'ü€😀', [[]]]) }),
      ...(random.chance(0.7) && { id: random.chance(0.5) ? 1_000 + index : `id ${index}` }),
      ...(random.chance(0.4) && { stream: true }),
    };
    return { opcode, payload: JSON.stringify(message) };
  }
  const payload = Buffer.from(randomMessage(random));
  // what is no UTF-8 as a text ends the line; the fuzzer of frames looks at that
  if (opcode === OP.binary && random.chance(0.3)) return { opcode, payload: mutateBytes(random, payload) };
  return { opcode, payload };
}

/** Takes each answer for what it was due for; what is due for nothing is wrong. */
function settle(answers: readonly Answer[], dues: readonly Due[], isComplete: boolean): void {
  const open = dues.map((due) => ({ ...due, answers: [...due.answers] }));
  for (const answer of answers) {
    check(!INSIDES.test(JSON.stringify(answer)), 'an answer says too much', answer);
    const found = open.find(({ ack, answers: [next] }) => {
      if (next === undefined || answer.ack !== (Object.is(ack, -0) ? 0 : ack)) return false;
      return next.says(answer) && (ack === undefined || (answer.more === true) === !next.isLast);
    });
    check(found !== undefined, 'an answer that nobody asked for', answer, ...open.map(({ text }) => text));
    found.answers.shift();
  }
  if (!isComplete) return;
  const owed = open.filter((due) => due.answers.length > 0);
  check(owed.length === 0, 'no answer came', ...owed.map(({ text }) => text));
}

/** All that comes before that answer, or before the end of the line. */
async function until(client: RawClient, id: string, answers: Answer[]): Promise<number | undefined> {
  for (;;) {
    const frame = await client.frameOrEnd();
    check(frame !== undefined, 'the line was cut');
    if (frame.opcode === OP.close) return frame.payload.readUInt16BE();
    const answer = JSON.parse(frame.payload.toString()) as Answer;
    if (answer.ack === id) return undefined;
    answers.push(answer);
  }
}

describe('messages from bare TCP', () => {
  expectToLive();

  assault('bring what the protocol says, each its own', 150, {}, async (random, { raw }) => {
    const law = new ConversationLaw();
    const client = await raw();
    const frames: FrameSpec[] = [];
    const count = 1 + random.below(30);
    const make = random.chance(0.2) ? malformed : randomPayload;
    for (let i = 0; i < count && !law.isOver; i++) {
      const frame = (i < 5 ? randomPayload : make)(random, i);
      if (law.hear(Buffer.from(frame.payload!))) frames.push(frame);
    }
    const answers: Answer[] = [];
    if (random.chance(0.5)) client.send(...frames);
    else for (const frame of frames) client.send(frame);
    // a handler answers some promise jobs after it was called: two round trips
    client.text('{"event":"$ping","id":"last"}');
    let end = await until(client, 'last', answers);
    if (end === undefined) {
      client.text('{"event":"$ping","id":"very last"}');
      end = await until(client, 'very last', answers);
    }
    check(end === (law.isOver ? 1008 : undefined), 'another end', end, law.isOver);
    settle(answers, law.dues, end === undefined);
    client.tcp.destroy();
  });
});
