import { Ack, MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import type { EnvelopeOptions } from '../../lib/index.js';
import type { Random } from '../support/random.js';
import type { RawClient } from '../support/raw-client.js';
import { AttackHarness } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { fuzzLines } from './fuzz.js';
import { readServerFrames, type ReadFrame } from './rfc6455.js';

/** What every handler does is known from its name: the fuzzers know what must come back. */
@WebSocketGateway({ path: '/ws' })
export class FuzzGateway {
  /** In a list, so that no payload is taken for a reply of the application's own shape. */
  @SubscribeMessage('list')
  list(@MessageBody() data: unknown): unknown {
    return [data];
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('void')
  nothing(): void {}
  @SubscribeMessage('two')
  *two(): Generator<number> {
    yield 1;
    yield 2;
  }
  @SubscribeMessage('boom')
  async boom(): Promise<void> {
    await Promise.reject(new WsException('no'));
  }
  @SubscribeMessage('by hand')
  byHand(@Ack() ack: (data: unknown) => void): void {
    ack('done');
  }
}

const CASES_PER_QUESTION = 50;

/** `it`, for so many random attacks on one application, whose witness is served meanwhile. */
export function assault(
  name: string,
  cases: number,
  adapter: EnvelopeOptions,
  attack: (random: Random, harness: AttackHarness<FuzzGateway>) => Promise<void>,
): void {
  fuzzLines(name, cases, async () => {
    const harness = await AttackHarness.of(FuzzGateway, adapter);
    let count = 0;
    return {
      run: async (random) => {
        await attack(random, harness);
        harness.forgetAttackers();
        if (++count % CASES_PER_QUESTION === 0) await harness.expectServed();
      },
      finish: async () => {
        await harness.expectSurvival();
        expect(harness.app.log.of('error')).toEqual([]);
      },
    };
  });
}

/** Nothing that a client does may end the process. */
export const expectToLive = expectNoUnhandledErrors;

/** All that came on a line until it ended, the server's frames one by one; those that were read go before. */
export async function framesUntilEnd(
  client: RawClient,
  before: readonly Buffer[] = [],
): Promise<ReadFrame[]> {
  const { frames, rest } = readServerFrames(Buffer.concat([...before, await client.ended()]));
  if (rest.length > 0) throw new Error(`the line ended within a frame: ${rest.toString('latin1')}`);
  return frames;
}
