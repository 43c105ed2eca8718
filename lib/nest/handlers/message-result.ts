import type { Handler } from './handler-table.js';

/** What becomes of the results of the handlers of one message: it depends on the protocol of the client. */
export interface MessageResult {
  /** Calls a handler with the data, and the acknowledgement function for `@Ack()`. */
  call(handler: Handler, data: unknown, isAckManual: boolean): unknown;
  /**
   * Takes what a handler returned.
   *
   * @param isAckManual whether the handler answers by `@Ack()`
   * @returns a promise if the result is a source of many values; otherwise `undefined`, since a promise per message
   * would cost time
   */
  handlerReturned(result: unknown, isAckManual: boolean): Promise<void> | undefined;
  /** Takes an error that no exception filter has handled. */
  fail(error: unknown): void;
  /** Notes that the result of one handler is complete, or that the handler failed. */
  handlerEnded(): void;
}
