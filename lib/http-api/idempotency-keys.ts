import { createHash } from 'node:crypto';
import {
  BadRequestException,
  ConflictException,
  ServiceUnavailableException,
  UnprocessableEntityException,
} from '@nestjs/common';
import type { OnceStore } from '../nest/options/once-store.js';
import { digestOf, readRecord } from '../once/answer.js';
import { inTime } from '../once/in-time.js';
import { randomId } from '../server/util/random-id.js';

/** Characters of an `Idempotency-Key`. */
const MAX_KEY = 255;
/** Milliseconds for which a request claims its key. It is done at once. */
const LEASE = 30_000;

/**
 * Runs a request with an `Idempotency-Key` once: another one with the same key and body gets the first one's answer. Follows
 * draft-ietf-httpapi-idempotency-key-header.
 */
export class IdempotencyKeys {
  /**
   * @param store keeps the answers
   * @param ttl milliseconds for which a key is remembered
   */
  constructor(
    private readonly store: OnceStore,
    private readonly ttl: number,
  ) {}

  /**
   * @param key the header; `undefined` runs the work
   * @param scope what else must be equal, such as the route
   * @param work what the request does. Nothing is remembered if it throws
   * @throws (rejects) BadRequestException on a malformed key; UnprocessableEntityException if the body differs from the first one's;
   * ConflictException while the first one runs; ServiceUnavailableException if the store does not respond
   */
  async run(key: unknown, scope: string, body: unknown, work: () => object): Promise<object> {
    if (key === undefined) return work();
    if (typeof key !== 'string' || key === '' || key.length > MAX_KEY)
      throw new BadRequestException(`Idempotency-Key: it takes 1 to ${MAX_KEY} characters`);
    const name = createHash('sha256').update(`http ${scope} ${key}`).digest('base64url');
    const digest = digestOf(body);
    const claim = JSON.stringify({ digest, by: randomId() });
    const found = await this.claim(name, claim);
    if (found !== undefined) return answerOf(found, digest);
    let value: string | undefined;
    try {
      const answer = work();
      value = JSON.stringify({ digest, answer: { event: '', text: JSON.stringify(answer) } });
      return answer;
    } finally {
      // what was done cannot be undone: without an answer in the store, the claim keeps the key for half a minute
      await inTime(this.store.replace(name, claim, value, this.ttl)).catch(() => undefined);
    }
  }

  private async claim(name: string, claim: string): Promise<string | undefined> {
    try {
      return await inTime(this.store.claim(name, claim, LEASE));
    } catch (cause) {
      throw new ServiceUnavailableException(
        'Idempotency-Key: its store does not respond, so nothing was done',
        { cause },
      );
    }
  }
}

function answerOf(found: string, digest: string): object {
  const record = readRecord(found);
  if (record.digest !== digest)
    throw new UnprocessableEntityException('Idempotency-Key: it was used before, with another body');
  if (record.answer?.text === undefined)
    throw new ConflictException('Idempotency-Key: the first request with it is not done yet');
  return JSON.parse(record.answer.text) as object;
}
