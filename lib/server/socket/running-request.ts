import { decode } from '../../protocol/codec.js';
import { Refusal, UNLIMITED } from '../../protocol/envelope.js';
import type { RawData } from '../transport/connection.js';
import { requestContext, type Asker } from './incoming-request.js';

/** The client to which an exception is sent. */
interface FailingClient {
  readonly _requestsIfAny: Asker | undefined;
}

/**
 * Answers the request that the running code works for with an exception: what an exception filter emits is the answer.
 *
 * @returns whether there is such a request of this client, without an answer
 */
export function failRunningRequest(client: FailingClient, payload: unknown): boolean {
  const request = requestContext.getStore();
  if (request === undefined || (request.done && !request.isAborted)) return false;
  if (client._requestsIfAny === undefined || !request.isFrom(client._requestsIfAny)) return false;
  // without an effect after a $cancel: the client has its final answer
  request.fail(payload);
  return true;
}

/** The same for what an exception filter sends without an envelope: Nest 12's own filter sends the exception as JSON. */
export function failRunningRequestWith(data: RawData, client: FailingClient): boolean {
  if (typeof data !== 'string' || requestContext.getStore()?.failing !== true) return false;
  const envelope = decode(data, UNLIMITED);
  if (envelope instanceof Refusal || envelope.event !== 'exception') return false;
  return failRunningRequest(client, envelope.data);
}
