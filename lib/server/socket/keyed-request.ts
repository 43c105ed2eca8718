import type { RequestId } from '../../protocol/envelope.js';
import { IncomingRequest, type Asker } from './incoming-request.js';

/** A request with `meta.key`. A class of its own, so that requests without a key have no field for it. */
export class KeyedRequest extends IncomingRequest {
  constructor(
    asker: Asker,
    event: string,
    id: RequestId,
    /** The key as the client sent it. It may be of any type. */
    readonly key: unknown,
  ) {
    super(asker, event, id, false);
  }
}
