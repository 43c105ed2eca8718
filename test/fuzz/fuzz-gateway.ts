import { Ack, MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import type { EnvelopeOptions } from '../../lib/index.js';
import type { Random } from '../support/random.js';
import type { RawClient } from '../support/raw-client.js';
import { AttackHarness } from '../support/attack-harness.js';
import { fuzzConnections } from './fuzz.js';
import { readServerFrames, type ReadFrame } from './rfc6455.js';

/** The name of each handler says what it does, so that the fuzzers can predict its responses. */
@WebSocketGateway({ path: '/ws' })
export class FuzzGateway {
  /** Wraps the payload in a list, so that it cannot look like a reply with an event of the application. */
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

const CASES_PER_PROBE = 50;

/** Defines a test with random attacks on one application, which must keep answering its probe. */
export function fuzzGateway(
  name: string,
  cases: number,
  adapter: EnvelopeOptions,
  attack: (random: Random, harness: AttackHarness<FuzzGateway>) => Promise<void>,
): void {
  fuzzConnections(name, cases, async () => {
    const harness = await AttackHarness.of(FuzzGateway, adapter);
    let count = 0;
    return {
      run: async (random) => {
        await attack(random, harness);
        harness.forgetAttackers();
        if (++count % CASES_PER_PROBE === 0) await harness.expectServed();
      },
      finish: async () => {
        await harness.expectSurvival();
        expect(harness.app.log.of('error')).toEqual([]);
      },
    };
  });
}

/** Resolves with all frames of the server until the connection closes, after those in `before`. */
export async function framesUntilEnd(
  client: RawClient,
  before: readonly Buffer[] = [],
): Promise<ReadFrame[]> {
  const { frames, rest } = readServerFrames(Buffer.concat([...before, await client.ended()]));
  if (rest.length > 0) throw new Error(`the connection closed within a frame: ${rest.toString('latin1')}`);
  return frames;
}
