import { writePayload } from '../protocol/payload.js';
import { IncomingRequest, type Asker } from '../server/socket/incoming-request.js';
import type { Answer } from './answer.js';

/**
 * The request that handlers get in the place of a client's. It outlives the client: what the handler returns is kept for the next
 * request with the same key.
 */
export class DetachedRequest extends IncomingRequest {
  private answered: Answer | undefined;

  private constructor(
    asker: Asker,
    event: string,
    /** Of `@MessageKey()`. */
    readonly key: string,
    private readonly owner: Asker,
  ) {
    super(asker, event, 0, false);
  }

  /**
   * @param owner what asks, for the client
   * @param handle gets the request
   * @returns the final answer
   */
  static run(
    owner: Asker,
    event: string,
    key: string,
    handle: (request: DetachedRequest) => void,
  ): Promise<Answer> {
    return new Promise((resolve) => {
      const asker: Asker = {
        abortCause: 'disconnected',
        encode: (_event, data) => writePayload(data, event) ?? '',
        send: () => resolve(request.answered!),
        finished: () => undefined,
        linger: () => undefined,
        report: (error, where) => owner.report(error, where),
      };
      const request: DetachedRequest = new DetachedRequest(asker, event, key, owner);
      handle(request);
    });
  }

  /** Exception filters answer it as the request of its client. */
  override isFrom(asker: Asker): boolean {
    return asker === this.owner;
  }

  protected override encode(event: string, data: unknown): string {
    const text = writePayload(data, event);
    this.answered = { event, text };
    return text ?? '';
  }
}
