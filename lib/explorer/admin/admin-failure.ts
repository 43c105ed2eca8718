import { WsException } from '@nestjs/websockets';
import type { AdminFailure } from './wire.js';

/** The error that answers a request of an admin. */
export class AdminError extends WsException {
  constructor(
    readonly code: AdminFailure['code'],
    message: string,
  ) {
    super({ status: 'error', code, message } satisfies AdminFailure);
  }
}

/** Always throws. @throws AdminError */
export function fail(code: AdminFailure['code'], message: string): never {
  throw new AdminError(code, message);
}
