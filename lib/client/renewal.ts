import { DisconnectedError } from '../protocol/disconnected-error.js';
import type { Connection } from './connection.js';
import type { SessionInfo } from './message.js';
import { credentialsOf, type Settings } from './options.js';

/** The part of the remaining time after which the client renews, and the width of the jitter around it. */
const PART = 0.8;
const JITTER = 0.1;
/** Milliseconds. With less time left, the next connection sends fresh credentials instead. */
const MIN_REMAINING = 200;
/** Milliseconds between looks at the clock: a timer does not count the time that the device sleeps. */
const STEP = 10_000;

/** Until when credentials are valid. The server may be any, so the fields may be of any type. */
interface Expiry {
  readonly expiresAt?: unknown;
  readonly expiresIn?: unknown;
}

/** Sends fresh credentials on the open connection: before the present ones expire, and when the application asks for it. */
export class Renewal {
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Settles when the last `$auth` is answered. The server looks at one at a time. */
  #lastAnswer: Promise<unknown> = Promise.resolve();
  readonly #connection: Connection;
  readonly #send: (data: unknown) => Promise<unknown>;
  readonly #settings: Settings;

  /** @param send sends `$auth` with this data, and resolves to the answer */
  constructor(connection: Connection, send: (data: unknown) => Promise<unknown>, settings: Settings) {
    this.#connection = connection;
    this.#send = send;
    this.#settings = settings;
  }

  /** The connection is open. */
  opened(session: SessionInfo): void {
    if (session.features?.includes('auth') === true) this.#schedule(remainingOf(session));
  }

  /** The connection ended. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** @throws (rejects) as `ClientSocket.reauthenticate` */
  async renew(): Promise<{ expiresAt?: number }> {
    const { openSocket } = this.#connection;
    const assertOpen = (): void => {
      // the next connection sends fresh credentials in its handshake, and these would be older
      if (!this.#connection.isWritable || openSocket !== this.#connection.openSocket)
        throw new DisconnectedError('not connected');
    };
    assertOpen();
    const credentials = await credentialsOf(this.#settings);
    const data = typeof credentials === 'string' ? { token: credentials } : credentials;
    const request = this.#lastAnswer.then(() => {
      assertOpen();
      return this.#send(data);
    });
    this.#lastAnswer = request.catch(() => undefined);
    const answer = Object(await request) as { expiresAt?: number };
    this.#schedule(remainingOf(answer));
    return answer;
  }

  /** @param remaining milliseconds; `NaN`: the credentials do not expire */
  #schedule(remaining: number): void {
    this.stop();
    // other credentials than those of a function stay the same
    if (!(remaining >= MIN_REMAINING) || typeof this.#settings.auth !== 'function') return;
    const due = remaining * (PART + (Math.random() - 0.5) * JITTER);
    const elapsed = stopwatch();
    const check = (): void => {
      const left = due - elapsed();
      const timer = this.#timer;
      if (left > 0) this.#timer = setTimeout(check, Math.min(left, STEP));
      // after a failure, the remaining time allows another attempt, unless the connection was lost meanwhile
      else this.renew().catch(() => timer === this.#timer && this.#schedule(remaining - elapsed()));
    };
    check();
  }
}

/** Milliseconds from now on. The server's clock may differ from this one, so `expiresIn` is the better source. */
function remainingOf({ expiresAt, expiresIn }: Expiry): number {
  return typeof expiresIn === 'number' ? expiresIn : (expiresAt as number) - Date.now();
}

/**
 * Returns a function that returns the milliseconds since this call: by the clock of the system, which counts the time that the
 * device sleeps, or by the monotonic one if the former was set back.
 */
function stopwatch(): () => number {
  const [time, now] = [Date.now(), performance.now()];
  return () => Math.max(Date.now() - time, performance.now() - now);
}
