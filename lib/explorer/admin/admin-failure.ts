import { WsException } from '@nestjs/websockets';
import type { AdminFailure } from './wire.js';

/** Returns the exception that answers a request of an admin. */
export function failure(code: AdminFailure['code'], message: string): WsException {
  return new WsException({ status: 'error', code, message } satisfies AdminFailure);
}

/** Always throws. @throws WsException that answers a request of an admin */
export function fail(code: AdminFailure['code'], message: string): never {
  throw failure(code, message);
}

/** Returns what {@link fail} threw; `undefined` for another error. */
export function failureOf(error: unknown): AdminFailure | undefined {
  if (!(error instanceof WsException)) return undefined;
  const thrown = error.getError();
  return typeof thrown === 'object' && 'code' in thrown ? (thrown as AdminFailure) : undefined;
}
