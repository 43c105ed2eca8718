import type { Adapter } from 'socket.io-adapter';
import type { Untyped } from '../../protocol/typed-events.js';
import { serverSideEmit } from '../rooms/server-side-emit.js';
import { callSafely } from '../util/safe-call.js';

/** The prefix of the event names of presence between nodes. */
export const PRESENCE = '$presence:';

/** The part of a server that sends messages to the same server on other nodes. */
interface Sender {
  readonly adapter: Adapter;
  /** @internal */
  _report(error: unknown, where: string): void;
}

/** The messages of presence to the other nodes. */
export class PeerMessages {
  constructor(private readonly host: Sender) {}

  /** Sends a message to all other nodes. Reports a failure. */
  send(event: string, ...values: unknown[]): void {
    const onError = (error: unknown): void =>
      this.host._report(error, 'presence could not be sent to the other nodes');
    callSafely(() => serverSideEmit(this.host.adapter, event, values, onError), onError);
  }

  /**
   * Sends a request to the other nodes. Ignores responses that are not lists, since any client of the broker can
   * respond.
   */
  request(event: string, ...values: unknown[]): Promise<{ error: Error | null; responses: Untyped[][] }> {
    return new Promise((resolve) => {
      const done = (error: Error | null, responses: unknown[]): void =>
        resolve({ error, responses: responses.filter(Array.isArray) });
      const onError = (error: unknown): void =>
        done(error instanceof Error ? error : new Error(String(error)), []);
      callSafely(() => serverSideEmit(this.host.adapter, event, [...values, done], onError), onError);
    });
  }
}

/** Answers a request of another node. */
export function respond(callback: unknown, value: unknown): void {
  if (typeof callback === 'function') Reflect.apply(callback, undefined, [value]);
}
