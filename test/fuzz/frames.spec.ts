import type { Random } from '../support/random.js';
import { clientFrame, closeBody, OP, type FrameSpec, type RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { framesUntilEnd, fuzzGateway } from './fuzz-gateway.js';
import { check } from './fuzz.js';
import { mutateBytes, randomCharacter } from './mutator.js';
import { isUtf8, interpretClientBytes, type ClientOutcome, type ReadFrame } from './rfc6455.js';

const MAX_PAYLOAD = 3_000;
/** The number of consecutive malformed messages after which the server closes the connection. */
const STRIKES = 10;
const LAST = '{"event":"$ping","id":"last"}';

/** Returns the frames of one message, with control frames between its fragments. */
function message(random: Random, payload: Buffer): FrameSpec[] {
  const opcode = random.chance(0.8) ? OP.text : OP.binary;
  const lengthBytes = random.chance(0.05) ? ({ lengthBytes: random.pick([2, 8] as const) } as const) : {};
  if (random.chance(0.6)) return [{ opcode, payload, ...lengthBytes }];
  const frames: FrameSpec[] = [];
  for (let at = 0; at <= payload.length;) {
    const size = random.chance(0.1) ? 0 : 1 + random.below(payload.length + 1);
    const piece = payload.subarray(at, at + size);
    at += size;
    const fin = at > payload.length;
    frames.push({ opcode: frames.length === 0 ? opcode : OP.continuation, payload: piece, fin });
    if (random.chance(0.2)) frames.push({ opcode: random.pick([OP.ping, OP.pong]), payload: 'between' });
  }
  return frames;
}

function randomFrames(random: Random, id: number): FrameSpec[] {
  const text = Array.from({ length: random.below(8) }, () => randomCharacter(random)).join('');
  const length = random.pick([0, 0, 0, 100, 125 - 29, 126 - 29, 2_900, MAX_PAYLOAD, 4_000]);
  switch (random.below(12)) {
    case 0:
      return [{ opcode: random.pick([OP.ping, OP.pong]), payload: Buffer.alloc(random.below(126), 'p') }];
    case 1: // usually an invalid frame
      return [{ opcode: random.below(16), payload: text, fin: random.chance(0.5), rsv: random.below(8) }];
    case 2:
      return message(random, Buffer.from(text));
    case 3:
      return random.chance(0.2) ? [{ opcode: OP.close, payload: randomClose(random, text) }] : [];
    case 4:
      return message(random, mutateBytes(random, Buffer.from(`{"event":"list","data":"${text}"}`)));
    case 5:
      return [
        { opcode: OP.text, payload: text, claimedLength: random.pick([0, 1, 126, 70_000, 2 ** 40, 2 ** 60]) },
      ];
    default:
      return message(
        random,
        Buffer.from(JSON.stringify({ event: 'list', data: text + 'x'.repeat(length), id })),
      );
  }
}

function randomClose(random: Random, text: string): Buffer {
  const code = random.pick([1000, 1001, 1004, 1005, 1006, 1014, 1015, 2999, 3000, 4999, 5000, 0]);
  const body = closeBody(code, random.chance(0.3) ? mutateBytes(random, Buffer.from(`x${text}`)) : text);
  return random.chance(0.2) ? body.subarray(0, random.below(3)) : body;
}

/** Returns some frames, possibly mutated, reordered or truncated. */
function randomBytes(random: Random): Buffer {
  const specs = Array.from({ length: 1 + random.below(6) }, (_, id) => randomFrames(random, id)).flat();
  const frames = specs.map((spec) => {
    const key = random.chance(0.2)
      ? Buffer.alloc(4)
      : Buffer.from(Array.from({ length: 4 }, () => random.below(256)));
    return clientFrame({ ...spec, key, mask: !random.chance(0.01) });
  });
  if (random.chance(0.1)) frames.sort(() => random.next() - 0.5);
  const bytes = Buffer.concat(frames);
  if (random.chance(0.35)) return mutateBytes(random, bytes);
  return random.chance(0.1) ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
}

/** Writes in chunks, each in a separate TCP segment where the network allows. */
async function write(random: Random, { tcp }: RawClient, bytes: Buffer): Promise<void> {
  tcp.setNoDelay(true);
  let at = 0;
  while (at < bytes.length) {
    const size = random.chance(0.7) ? bytes.length : 1 + random.below(40);
    if (!tcp.writable) return;
    tcp.write(bytes.subarray(at, (at += size)));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const idOf = (payload: Buffer): unknown => {
  if (!isUtf8(payload)) return undefined;
  try {
    const { id, ack } = Object(JSON.parse(payload.toString())) as { id?: unknown; ack?: unknown };
    return ack === undefined ? id : undefined;
  } catch {
    return undefined;
  }
};

/** Returns close codes that are right as well, because messages may close the connection, too. */
function otherCodes(outcome: ClientOutcome): number[] {
  const ids = outcome.messages.map(({ payload }) => idOf(payload)).filter((id) => id !== undefined);
  const ends: number[] = [];
  if (outcome.messages.length >= STRIKES) ends.push(1008);
  if (new Set(ids).size < ids.length) ends.push(4409);
  return ends;
}

function checkResponses(frames: readonly ReadFrame[], outcome: ClientOutcome, isComplete: boolean): void {
  const pongs = frames.filter(({ opcode }) => opcode === OP.pong).map(({ payload }) => payload);
  check(
    pongs.every((pong, index) => outcome.pings[index]?.equals(pong)),
    'a pong without a ping',
    ...pongs,
  );
  const requested = outcome.messages.map(({ payload }) => idOf(payload)).filter((id) => id !== undefined);
  const answered: unknown[] = [];
  for (const { opcode, payload } of frames) {
    if (opcode !== OP.text) continue;
    const { ack } = JSON.parse(payload.toString()) as { ack?: unknown };
    if (ack === undefined) continue;
    check(
      requested.includes(ack) && !answered.includes(ack),
      'a response without a request',
      ack,
      ...requested,
    );
    answered.push(ack);
  }
  if (!isComplete) return;
  check(pongs.length === outcome.pings.length, 'a ping without a pong', pongs.length, outcome.pings.length);
  const valid = requested.filter((id) => typeof id === 'number' && Number.isSafeInteger(id));
  check(
    valid.every((id) => answered.includes(id)),
    'a request without a response',
    ...valid,
  );
}

const endOf = (frames: readonly ReadFrame[]): number | undefined => {
  const last = frames.at(-1);
  if (last?.opcode !== OP.close) return undefined;
  return last.payload.length === 0 ? 1005 : last.payload.readUInt16BE();
};

describe('random frames over raw TCP', () => {
  expectNoUnhandledErrors();

  fuzzGateway('have the outcome of RFC 6455', 300, { maxPayload: MAX_PAYLOAD }, async (random, { raw }) => {
    const last = clientFrame({ opcode: OP.text, payload: LAST, key: Buffer.alloc(4) });
    const bytes = Buffer.concat([randomBytes(random), last]);
    const outcome = interpretClientBytes(bytes, MAX_PAYLOAD);
    const client = await raw();
    await write(random, client, bytes);
    const isOpen = outcome.end === undefined && outcome.messages.at(-1)?.payload.toString() === LAST;
    const before: Buffer[] = [];
    if (isOpen) {
      // handlers respond some promise jobs after their call: one more round trip before the close
      await answer(client, 'last', before);
      client.text('{"event":"$ping","id":"very last"}');
      await answer(client, 'very last', before);
      client.send({ opcode: OP.close });
    } else if (outcome.end === undefined) {
      client.tcp.end();
    }
    const frames = await framesUntilEnd(client, before);
    const end = endOf(frames);
    const isRight = isOpen ? end === 1005 : end === outcome.end;
    check(
      isRight || otherCodes(outcome).includes(end!),
      'another close code',
      end,
      outcome.end,
      isOpen,
      bytes,
    );
    const answers = frames.filter(({ payload }) => !payload.includes('"very last"'));
    checkResponses(answers, outcome, isOpen && end === 1005);
  });
});

/** Reads until a certain response arrives, or the connection closes. */
async function answer(client: RawClient, id: string, bytes: Buffer[]): Promise<void> {
  while (!bytes.at(-1)?.includes(`"ack":"${id}"`)) {
    const frame = await client.frameOrEnd();
    if (frame === undefined) return;
    bytes.push(frame.bytes);
  }
}
