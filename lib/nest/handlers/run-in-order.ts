import { tap } from 'rxjs';
import type { Turn } from '../../server/socket/turn.js';
import type { Handler } from './handler-table.js';
import { sourceOf } from './iterable-source.js';
import type { MessageResult } from './message-result.js';

/**
 * Calls a handler whose message is handled in order. Its part of the turn ends when its promise has settled. A source of many
 * values may never end: its first value ends the turn. With an interceptor, every handler is a source.
 */
export async function runInOrder(
  handler: Handler,
  isAckManual: boolean,
  data: unknown,
  reply: MessageResult,
  turn: Turn,
): Promise<void> {
  let isSettled = false;
  const settle = (): void => {
    if (isSettled) return;
    isSettled = true;
    turn.settle();
  };
  try {
    const result: unknown = await reply.call(handler, data, isAckManual);
    const source = sourceOf(result);
    await reply.handlerReturned(source === undefined ? result : source.pipe(tap(settle)), isAckManual);
  } catch (error) {
    reply.fail(error);
  }
  reply.handlerEnded();
  settle();
}
