/** Checked by `tsc`, never run: the codes of errors. */
import * as client from '../../lib/client/index.js';
import {
  DisconnectedError,
  RequestError,
  RoomLimitError,
  TimeoutError,
  type EnvelopeErrorCode,
  type EnvelopeSocket,
} from '../../lib/index.js';
import { UpgradeRefusedError } from '../../lib/testing/index.js';

export function typed(error: unknown): EnvelopeErrorCode | number | undefined {
  if (error instanceof TimeoutError) return error.code satisfies 'ERR_ENVELOPE_TIMEOUT';
  if (error instanceof DisconnectedError) return error.code satisfies 'ERR_ENVELOPE_DISCONNECTED';
  if (error instanceof RequestError) return error.code satisfies 'ERR_ENVELOPE_REQUEST_FAILED';
  if (error instanceof RoomLimitError) return error.code satisfies 'ERR_ENVELOPE_ROOM_LIMIT';
  if (error instanceof UpgradeRefusedError) return error.code satisfies 'ERR_ENVELOPE_UPGRADE_REFUSED';
  // the close code
  if (error instanceof client.ConnectError) return error.code satisfies number;
  // @ts-expect-error an unknown error has no typed code
  return error.code;
}

/** The classes of the entries are the same ones. */
export const same: [client.TimeoutError, client.DisconnectedError, client.RequestError] = [
  new TimeoutError(),
  new DisconnectedError(),
  new RequestError(undefined),
];

export async function ask(socket: EnvelopeSocket): Promise<unknown> {
  try {
    return await socket.emitWithAck('question');
  } catch (error) {
    const { code } = error as { code?: EnvelopeErrorCode };
    switch (code) {
      case 'ERR_ENVELOPE_TIMEOUT':
      case 'ERR_ENVELOPE_DISCONNECTED':
        return undefined;
      // @ts-expect-error not one of the codes
      case 'ERR_ENVELOPE_NOTHING':
      default:
        throw error;
    }
  }
}
