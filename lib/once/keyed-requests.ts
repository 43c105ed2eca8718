import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { isMessageKey } from '../nest/handlers/message-key.js';
import type { KeyedMessage, OnceRunner, OnceServices } from '../nest/handlers/once-handlers.js';
import type { OnceStore } from '../nest/options/once-store.js';
import { currentTrace } from '../server/diagnostics/current-trace.js';
import { ANONYMOUS, identityOf, UNNAMED } from '../server/handshake/user-identity.js';
import type { EnvelopeSocket } from '../server/socket/envelope-socket.js';
import { INTERNAL_ERROR, type IncomingRequest } from '../server/socket/incoming-request.js';
import { randomId } from '../server/util/random-id.js';
import { dataOf, digestOf, readRecord, recordOf, refusalAnswer, type Answer } from './answer.js';
import { DetachedRequest } from './detached-request.js';
import { inTime } from './in-time.js';
import { memoryOnce } from './memory-once.js';

/** The options of one handler, with the defaults. */
export interface OnceSettings {
  readonly ttl: number;
  readonly onStoreFailure: 'run' | 'refuse';
}

/** Milliseconds for which a node claims a key. It claims it again while the handler runs. */
const LEASE = 30_000;
/** Milliseconds between two looks at a key that another node has claimed: the first and the longest pause. */
const LOOK_AGAIN = [50, 1_000] as const;
/** Milliseconds before the second attempt to store an answer. The pause doubles each time. */
const STORE_AGAIN = 1_000;

const MALFORMED = refusalAnswer('bad_frame', 'meta.key must be 16 to 64 characters of base64url');
const REUSED = refusalAnswer('key_reused', 'the key was used before, with other data');
const NOT_KEPT = refusalAnswer('already_answered', 'this was done before, and its answer is not kept');
const UNAVAILABLE = refusalAnswer('unavailable', 'it is not known whether this was done before: try again');

/** A key that this node works on, and the requests that wait for its answer. */
interface Work {
  readonly digest: string;
  readonly waiting: IncomingRequest[];
  readonly answer: Promise<Answer | undefined>;
}

/** Does the requests with keys of one path once. */
export class KeyedRequests implements OnceRunner {
  private readonly store: OnceStore;
  private readonly works = new Map<string, Work>();

  constructor(
    private readonly handlers: ReadonlyMap<string, OnceSettings>,
    private readonly services: OnceServices,
  ) {
    this.store = services.store ?? memoryOnce();
  }

  run(message: KeyedMessage): boolean {
    const settings = this.handlers.get(message.event);
    if (settings === undefined) return false;
    const { request, turn } = message;
    const { key } = request;
    if (!isMessageKey(key)) {
      give(request, MALFORMED);
      turn?.settle();
      return true;
    }
    const trace = currentTrace();
    trace?.setDeclared(message.event);
    trace?.hold();
    // its handlers settle the turn, if they run
    let hasRun = false;
    const handle = (): Promise<Answer> => {
      hasRun = true;
      return DetachedRequest.run(message.client._requests, message.event, key, message.handle);
    };
    const failed = (error: unknown): undefined => {
      message.client._report(error, `"${message.event}" threw`, message.event);
      request.fail(INTERNAL_ERROR);
    };
    void this.answerOf(message, key, settings, handle)
      .then((answer) => {
        if (answer !== undefined) give(request, answer);
      })
      .catch(failed)
      .then(() => {
        if (!hasRun) turn?.settle();
        trace?.release();
      });
    return true;
  }

  /** @returns `undefined` if no client waits for the answer any more */
  private async answerOf(
    { client, event, data, request }: KeyedMessage,
    key: string,
    settings: OnceSettings,
    handle: () => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const name = nameOf(client, event, key);
    const owner = ownerOf(client);
    const digest = digestOf(data);
    let work = this.works.get(name);
    if (work === undefined) {
      const waiting = [request];
      const answer = this.claim({ name, owner }, digest, settings, handle, () =>
        waiting.some(({ done }) => !done),
      );
      this.works.set(name, (work = { digest, waiting, answer }));
      answer.catch(() => this.works.delete(name));
    } else {
      if (work.digest !== digest) return REUSED;
      work.waiting.push(request);
    }
    return work.answer;
  }

  /** Waits until the key is this node's, and then runs the handlers; or until it has an answer. */
  private async claim(
    { name, owner }: { name: string; owner: string },
    digest: string,
    settings: OnceSettings,
    handle: () => Promise<Answer>,
    isAwaited: () => boolean,
  ): Promise<Answer | undefined> {
    const claim = JSON.stringify({ digest, by: randomId() });
    let found: Answer | 'claimed' | 'failed' | undefined;
    for (let wait: number = LOOK_AGAIN[0]; ; wait = Math.min(wait * 2, LOOK_AGAIN[1])) {
      found = await this.look({ name, owner }, claim, digest, settings);
      if (found !== undefined) break;
      await pause(wait, undefined, { ref: false });
      if (!isAwaited()) break;
    }
    if (
      found === undefined ||
      typeof found === 'object' ||
      (found === 'failed' && settings.onStoreFailure === 'refuse')
    ) {
      this.works.delete(name);
      return found === 'failed' ? UNAVAILABLE : (found as Answer | undefined);
    }
    const renewal = setInterval(() => void this.replace(name, claim, claim, LEASE), LEASE / 3).unref();
    const answer = await handle().finally(() => clearInterval(renewal));
    const record = recordOf(answer, digest);
    const stored = this.replace(name, claim, record, settings.ttl);
    void stored.then(async (isStored) => {
      if (record === undefined) this.works.delete(name);
      if (!isStored) await this.storeLater(name, claim, record, settings.ttl);
      if (record !== undefined) this.works.delete(name);
    });
    // the client need not wait until its answer is stored: the same request finds the work. But it must not find an error that
    // is not kept
    if (record === undefined) await stored;
    return answer;
  }

  /** @returns the answer of the key; `claimed`: it is this node's now; `undefined`: it is another node's */
  private async look(
    { name, owner }: { name: string; owner: string },
    claim: string,
    digest: string,
    { onStoreFailure }: OnceSettings,
  ): Promise<Answer | 'claimed' | 'failed' | undefined> {
    const claimed = Promise.resolve().then(() => this.store.claim(name, claim, LEASE, owner));
    try {
      const found = await inTime(claimed);
      if (found === undefined) return 'claimed';
      const record = readRecord(found);
      if (record.digest !== digest) return REUSED;
      return record.by === undefined ? (record.answer ?? NOT_KEPT) : undefined;
    } catch (error) {
      this.warn(error);
      // a claim that arrives late would keep the same request waiting for nobody
      const giveBack = (late: unknown): unknown =>
        late === undefined ? this.replace(name, claim, undefined, LEASE) : undefined;
      if (onStoreFailure === 'refuse') void claimed.then(giveBack, () => undefined);
      return 'failed';
    }
  }

  /** Tries again for as long as the claim lasts: after that, other nodes take the request for one that was not handled. */
  private async storeLater(
    name: string,
    claim: string,
    value: string | undefined,
    time: number,
  ): Promise<void> {
    for (let wait = STORE_AGAIN; wait < LEASE; wait *= 2) {
      await pause(wait, undefined, { ref: false });
      if (await this.replace(name, claim, value, time)) return;
    }
  }

  /** @returns whether the store has done it */
  private async replace(
    name: string,
    claim: string,
    value: string | undefined,
    time: number,
  ): Promise<boolean> {
    try {
      await inTime(this.store.replace(name, claim, value, time));
      return true;
    } catch (error) {
      this.warn(error);
      return false;
    }
  }

  private warn(error: unknown): void {
    this.services.warn(
      '@Once: store',
      `the store of @Once() failed: messages with a key that clients send again are handled again, or refused (onStoreFailure). ${String(error)}`,
    );
  }
}

function give(request: IncomingRequest, answer: Answer): void {
  const data = dataOf(answer);
  if (answer.event === 'exception') request.fail(data);
  else request.answer(data, answer.event);
}

/** Returns the name of a key in the store. A client cannot choose it, since it is a hash. */
/** Names who must not use up the memory of others. */
function ownerOf(client: EnvelopeSocket): string {
  const identity = identityOf(client);
  return identity === ANONYMOUS || identity === UNNAMED
    ? `address ${client._upgrade.clientInfo.rateKey}`
    : `user ${identity.key}`;
}

function nameOf(client: EnvelopeSocket, event: string, key: string): string {
  const identity = identityOf(client);
  const user =
    identity === ANONYMOUS ? [] : identity === UNNAMED ? ['socket', client.id] : ['user', identity.key];
  return createHash('sha256')
    .update(JSON.stringify([client.nsp.name, event, key, ...user]))
    .digest('base64url');
}
