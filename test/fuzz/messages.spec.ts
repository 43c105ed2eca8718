import type { Random } from '../support/random.js';
import { OP, type FrameSpec, type RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { fuzzGateway } from './fuzz-gateway.js';
import { MessageModel, type Answer, type Expected } from './message-model.js';
import { randomMessage } from './envelope-corpus.js';
import { check } from './fuzz.js';
import { mutateBytes } from './mutator.js';

const EVENTS = ['list', 'void', 'two', 'boom', 'by hand', 'unknown', '$ping', '$cancel', 'close', 'error'];
const STACK_TRACE = /at .*\.(ts|js):\d/;

const MALFORMED = ['', '[]', '{"event":5}', '{"event":"$x","id":ID}', '{"event":"exception"}', '{"id":ID}'];

/** Returns one of many consecutive malformed messages. */
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
  // invalid UTF-8 in a text closes the connection; the fuzzer of frames tests that
  if (opcode === OP.binary && random.chance(0.3)) return { opcode, payload: mutateBytes(random, payload) };
  return { opcode, payload };
}

/** Matches each response with an expected one. Fails for any other response. */
function settle(answers: readonly Answer[], expected: readonly Expected[], isComplete: boolean): void {
  const open = expected.map((entry) => ({ ...entry, answers: [...entry.answers] }));
  for (const answer of answers) {
    check(!STACK_TRACE.test(JSON.stringify(answer)), 'a response with a stack trace', answer);
    const found = open.find(({ ack, answers: [next] }) => {
      if (next === undefined || answer.ack !== (Object.is(ack, -0) ? 0 : ack)) return false;
      return next.matches(answer) && (ack === undefined || (answer.more === true) === !next.isLast);
    });
    check(found !== undefined, 'an unexpected response', answer, ...open.map(({ text }) => text));
    found.answers.shift();
  }
  if (!isComplete) return;
  const missing = open.filter((entry) => entry.answers.length > 0);
  check(missing.length === 0, 'a missing response', ...missing.map(({ text }) => text));
}

/** Collects all messages before a certain response. Returns the close code when the connection closes first. */
async function until(client: RawClient, id: string, answers: Answer[]): Promise<number | undefined> {
  for (;;) {
    const frame = await client.frameOrEnd();
    check(frame !== undefined, 'the connection closed without a close frame');
    if (frame.opcode === OP.close) return frame.payload.readUInt16BE();
    const answer = JSON.parse(frame.payload.toString()) as Answer;
    if (answer.ack === id) return undefined;
    answers.push(answer);
  }
}

describe('random messages over raw TCP', () => {
  expectNoUnhandledErrors();

  fuzzGateway('each have the responses of the protocol', 150, {}, async (random, { raw }) => {
    const model = new MessageModel();
    const client = await raw();
    const frames: FrameSpec[] = [];
    const count = 1 + random.below(30);
    const make = random.chance(0.2) ? malformed : randomPayload;
    for (let i = 0; i < count && !model.isClosed; i++) {
      const frame = (i < 5 ? randomPayload : make)(random, i);
      if (model.add(Buffer.from(frame.payload!))) frames.push(frame);
    }
    const answers: Answer[] = [];
    if (random.chance(0.5)) client.send(...frames);
    else for (const frame of frames) client.send(frame);
    // handlers respond some promise jobs after their call: two round trips
    client.text('{"event":"$ping","id":"last"}');
    let end = await until(client, 'last', answers);
    if (end === undefined) {
      client.text('{"event":"$ping","id":"very last"}');
      end = await until(client, 'very last', answers);
    }
    check(end === (model.isClosed ? 1008 : undefined), 'another close code', end, model.isClosed);
    settle(answers, model.expected, end === undefined);
    client.tcp.destroy();
  });
});
