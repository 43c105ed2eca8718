import { WsException } from '@nestjs/websockets';
import type { ExceptionPayload } from '../../protocol/envelope.js';

/**
 * The error of a `join` that is over `limits.maxRooms` or `limits.maxRoomNameLength`. It is a `WsException`, so that exception
 * filters send its message and the code `room_limit` to the client.
 *
 * @example
 * try {
 *   await client.join(name);
 * } catch (error) {
 *   if (!(error instanceof RoomLimitError)) throw error;
 * }
 */
export class RoomLimitError extends WsException {
  override readonly name = 'RoomLimitError';
  readonly code = 'ERR_ENVELOPE_ROOM_LIMIT';

  constructor(message: string) {
    super({ status: 'error', code: 'room_limit', message } satisfies ExceptionPayload);
  }
}
