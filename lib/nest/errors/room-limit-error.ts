import { WsException } from '@nestjs/websockets';
import type { ExceptionPayload } from '../../protocol/envelope.js';

/**
 * A `join` that goes over a limit. It is an exception of Nest's own kind, so that every exception filter makes of it
 * what the client is to know: the message, and `room_limit`.
 */
export class RoomLimitError extends WsException {
  override readonly name = 'RoomLimitError';
  readonly code = 'ERR_ENVELOPE_ROOM_LIMIT';

  constructor(message: string) {
    super({ status: 'error', code: 'room_limit', message } satisfies ExceptionPayload);
  }
}
