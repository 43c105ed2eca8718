import { createHash } from 'node:crypto';
import { BadRequestException, UnprocessableEntityException } from '@nestjs/common';

/** Characters of an `Idempotency-Key`. */
const MAX_KEY = 255;
/** Keys that are remembered. The oldest are forgotten first. */
const MAX_KEYS = 10_000;

interface Done {
  readonly digest: string;
  readonly answer: object;
  readonly until: number;
}

/**
 * Runs a request with an `Idempotency-Key` once: another one with the same key and body gets the first one's answer. Follows
 * draft-ietf-httpapi-idempotency-key-header. The keys are in the memory of this node.
 */
export class IdempotencyKeys {
  /** In the order in which they expire. */
  private readonly done = new Map<string, Done>();

  /** @param ttl milliseconds for which a key is remembered */
  constructor(private readonly ttl: number) {}

  /**
   * @param key the header; `undefined` runs the work
   * @param scope what else must be equal, such as the route
   * @param work what the request does. Nothing is remembered if it throws
   * @throws BadRequestException on a malformed key, UnprocessableEntityException if the body differs from the first one's
   */
  run(key: unknown, scope: string, body: unknown, work: () => object): object {
    if (key === undefined) return work();
    if (typeof key !== 'string' || key === '' || key.length > MAX_KEY)
      throw new BadRequestException(`Idempotency-Key: it takes 1 to ${MAX_KEY} characters`);
    this.forgetExpired();
    const name = `${scope} ${key}`;
    const digest = createHash('sha256')
      .update(JSON.stringify(body) ?? '')
      .digest('base64');
    const known = this.done.get(name);
    if (known?.digest === digest) return known.answer;
    if (known !== undefined)
      throw new UnprocessableEntityException('Idempotency-Key: it was used before, with another body');
    const answer = work();
    this.done.set(name, { digest, answer, until: Date.now() + this.ttl });
    return answer;
  }

  private forgetExpired(): void {
    const now = Date.now();
    for (const [name, { until }] of this.done) {
      if (until > now && this.done.size < MAX_KEYS) return;
      this.done.delete(name);
    }
  }
}
