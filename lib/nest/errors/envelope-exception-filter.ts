import { Catch, type ArgumentsHost } from '@nestjs/common';
import { BaseWsExceptionFilter } from '@nestjs/websockets';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import { INTERNAL_ERROR } from '../../server/socket/incoming-request.js';
import { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { isHttpException, isWsException } from './nest-exceptions.js';

/** What the client sent, as Nest's own filter shows it to the client. */
export interface Cause {
  readonly pattern: unknown;
  readonly data: unknown;
}

/** Whether the client is to blame: a `WsException`, or an `HttpException` of the 4xx family. */
export function isClientFault(error: unknown): boolean {
  return isWsException(error) || (isHttpException(error) && error.getStatus() < 500);
}

/**
 * What an error becomes on the wire. A `WsException` as Nest's own filter shapes it; an `HttpException` with its
 * status and its response, validation messages included; everything else says nothing of its own.
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
 * The filter that every gateway gets at the lowest precedence: users' filters win. It takes what Nest's own would
 * turn into "Internal server error" although the client is at fault, and answers alike on Nest 11 and 12.
 */
@Catch()
export class EnvelopeExceptionFilter extends BaseWsExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): void {
    const ws = host.switchToWs();
    const client: unknown = ws.getClient();
    if (!(client instanceof EnvelopeSocket)) return super.catch(exception as object, host);
    const isHook = client._lifecycle.isConnecting;
    // what a hook was called with is the upgrade request: no word of it
    const cause = isHook ? undefined : { pattern: ws.getPattern(), data: ws.getData<unknown>() };
    if (!isExpected(exception))
      client._report(exception, isHook ? 'handleConnection threw' : `"${ws.getPattern()}" threw`);
    client._outbound.emit({}, 'exception', [toExceptionPayload(exception, cause)]);
    if (isHook) endRefused(client, exception);
  }
}

function isExpected(exception: unknown): boolean {
  return isWsException(exception) || isHttpException(exception);
}

/** Closes a client whose `handleConnection` failed: 1008 where it is to blame, else 1011. */
export function endRefused(client: EnvelopeSocket, error: unknown): void {
  const isFault = isClientFault(error);
  const { code } = isFault ? CLOSE_CODES.POLICY_VIOLATION : CLOSE_CODES.INTERNAL_ERROR;
  client._end(
    'server namespace disconnect',
    code,
    isFault ? (error as Error).message : (INTERNAL_ERROR.message as string),
  );
}
