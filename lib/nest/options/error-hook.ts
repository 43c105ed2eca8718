import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';

/** Where an error came from, for the option `onError`. */
export interface ErrorContext {
  /**
   * `message`: a handler, a listener or an interceptor of a message. `connection`: a guard, a check, a middleware, or a hook of one
   * connection. `server`: everything else, such as the adapter of a cluster.
   */
  readonly kind: 'message' | 'connection' | 'server';
  /** What failed, as the log says it: `/chat: "said" threw`. */
  readonly where: string;
  /** The client; `undefined` if the error belongs to none, or if no client exists yet. */
  readonly client: EnvelopeSocket | undefined;
  /** The event as its handler or listener names it; `undefined` for other kinds than `message`. */
  readonly event: string | undefined;
}

/** Receives errors that are no client's fault: see the option `onError`. */
export type OnError = (error: unknown, context: ErrorContext) => void | Promise<void>;
