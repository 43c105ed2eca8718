import { Catch, type ArgumentsHost } from '@nestjs/common';
import { BaseWsExceptionFilter } from '@nestjs/websockets';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import { isAbort } from '../../server/socket/abort-error.js';
import { INTERNAL_ERROR } from '../../server/socket/incoming-request.js';
import { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { isHttpException, isWsException } from './nest-exceptions.js';

/** The client's message, as Nest's own filter returns it to the client. */
interface Cause {
  readonly pattern: unknown;
  readonly data: unknown;
}

/** Whether the client caused the error: a `WsException`, or an `HttpException` with a status below 500. */
export function isClientFault(error: unknown): boolean {
  return isWsException(error) || (isHttpException(error) && error.getStatus() < 500);
}

/**
 * Converts an error to the data of an `exception` message. A `WsException` gives the data of Nest's own filter. An
 * `HttpException` gives its status and its response, including validation messages. Other errors give "Internal server
 * error", so that no details leak.
 *
 * @param cause added to the data of a `WsException` with a text, and to "Internal server error"
 */
export function toExceptionPayload(error: unknown, cause?: Cause): object {
  const withCause = cause === undefined ? {} : { cause };
  if (isWsException(error)) {
    const thrown = error.getError();
    return typeof thrown === 'object' ? thrown : { status: 'error', message: thrown, ...withCause };
  }
  if (isHttpException(error)) {
    const response = error.getResponse();
    const fields = typeof response === 'string' ? { message: response } : response;
    return { status: 'error', statusCode: error.getStatus(), ...fields };
  }
  return { ...INTERNAL_ERROR, ...withCause };
}

/**
 * The exception filter of every gateway, at the lowest precedence: filters of the application win. It sends an `HttpException`
 * to the client, where Nest's own filter would send "Internal server error". It answers the same on Nest 11 and 12.
 *
 * It logs errors other than an `HttpException` or a `WsException`. If `handleConnection` threw, it also disconnects the
 * client: with 1008 if the client caused the error, else with 1011.
 *
 * @example
 * ```ts
 * @Catch()
 * class AppFilter extends EnvelopeExceptionFilter {
 *   override catch(exception: unknown, host: ArgumentsHost) {
 *     super.catch(exception instanceof QueryFailedError ? new WsException('not saved') : exception, host);
 *   }
 * }
 * ```
 */
@Catch()
export class EnvelopeExceptionFilter extends BaseWsExceptionFilter {
  /** Nest calls it. Sends the exception to the client: as the answer of its request, or else as the event `exception`. */
  override catch(exception: unknown, host: ArgumentsHost): void {
    const ws = host.switchToWs();
    const client: unknown = ws.getClient();
    if (!(client instanceof EnvelopeSocket)) return super.catch(exception as object, host);
    if (isAbort(exception, client._isEnded && client._requestsIfAny?.isAborted)) return;
    const isHook = client._lifecycle.isConnecting;
    // a hook's arguments include the upgrade request, which must not be sent
    const cause = isHook ? undefined : { pattern: ws.getPattern(), data: ws.getData<unknown>() };
    if (!isClientFault(exception)) {
      const event = isHook ? undefined : ws.getPattern();
      const where = event === undefined ? 'handleConnection threw' : `"${event}" threw`;
      client._report(exception, where, event, isHttpException(exception));
    }
    client._outbound.emit({}, 'exception', [toExceptionPayload(exception, cause)]);
    if (isHook) endRefused(client, exception);
  }
}

/** Disconnects a client whose `handleConnection` failed: with 1008 if the client caused the error, else with 1011. */
export function endRefused(client: EnvelopeSocket, error: unknown): void {
  const isFault = isClientFault(error);
  const { code } = isFault ? CLOSE_CODES.POLICY_VIOLATION : CLOSE_CODES.INTERNAL_ERROR;
  client._end(
    'server namespace disconnect',
    code,
    isFault ? (error as Error).message : (INTERNAL_ERROR.message as string),
  );
}
