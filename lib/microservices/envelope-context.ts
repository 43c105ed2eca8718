import { BaseRpcContext } from '@nestjs/microservices';
import type { RequestId } from '../protocol/envelope.js';
import type { EnvelopeSocket } from '../server/socket/envelope-socket.js';
import type { IncomingRequest } from '../server/socket/incoming-request.js';
import type { Handshake } from '../server/handshake/handshake.js';
import type { Untyped } from '../protocol/typed-events.js';

type Args = [
  client: EnvelopeSocket,
  pattern: string,
  metadata: Readonly<Record<string, unknown>>,
  id: RequestId | undefined,
];

/**
 * The context of a message or event, which `@Ctx()` passes to a handler: the client, the pattern and the metadata.
 *
 * @example
 * ```ts
 * @MessagePattern('sum')
 * sum(@Payload() numbers: number[], @Ctx() context: EnvelopeContext) {
 *   const { id } = context.getUser();
 * }
 * ```
 */
export class EnvelopeContext extends BaseRpcContext<Args> {
  readonly #request: IncomingRequest | undefined;

  /** @internal */
  constructor(args: Args, request?: IncomingRequest) {
    super(args);
    this.#request = request;
  }

  /**
   * Aborts when the client cancels the message or disconnects, and when the server closes; never after the final answer. An
   * event gets the signal of its connection. The `reason` is an `AbortError`, whose `cause` is `cancelled`, `disconnected` or
   * `server shutting down`. `@Signal()` injects it.
   * @example await fetch('https://example.com/report', { signal: context.signal });
   */
  get signal(): AbortSignal {
    return this.#request?.signal ?? this.getSocketRef()._requests.signal;
  }
  /**
   * Returns the client's socket, the same object that gateways receive.
   *
   * @example void context.getSocketRef().join('red');
   */
  getSocketRef(): EnvelopeSocket {
    return this.getArgByIndex(0);
  }
  /**
   * Returns the pattern. An object pattern is returned as JSON, as in Nest's transports.
   *
   * @example
   * console.log(context.getPattern()); // 'sum'
   */
  getPattern(): string {
    return this.getArgByIndex(1);
  }
  /**
   * Returns the `metadata` of the message; an empty object if the message has none.
   *
   * @example
   * const { traceparent } = context.getMetadata();
   */
  getMetadata(): Readonly<Record<string, unknown>> {
    return this.getArgByIndex(2);
  }
  /**
   * Returns the id that the answer carries; `undefined` for an event and for a message without an id.
   *
   * @example
   * const wantsAnswer = context.getId() !== undefined;
   */
  getId(): RequestId | undefined {
    return this.getArgByIndex(3);
  }
  /**
   * Returns the handshake of the client's connection.
   *
   * @example const language = context.getHandshake().headers['accept-language'];
   */
  getHandshake(): Handshake {
    return this.getSocketRef().handshake;
  }
  /** Returns `client.user`, which a guard sets. @example const { name } = context.getUser(); */
  getUser(): Untyped {
    return this.getSocketRef().user as Untyped;
  }
}
