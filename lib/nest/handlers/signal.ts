import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { withCode } from '../../protocol/with-code.js';
import { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { requestContext } from '../../server/socket/incoming-request.js';

const readSignal = (_data: unknown, context: ExecutionContext): AbortSignal => signalOf(context);
const decorate = createParamDecorator(readSignal);

/**
 * Injects an `AbortSignal` into a handler of a gateway, or of a pattern on an `EnvelopeTransport`. It aborts when the client
 * cancels the request (`$cancel`, also by a timeout of the client library) or disconnects, and when the application closes and
 * `shutdownTimeout` is over; never after the final answer. Its `reason` is an {@link AbortError}, whose `cause` says which.
 *
 * A handler that returns a promise learns of a `$cancel` only in this way: the client has its answer, without data, at once,
 * and what the handler returns later is dropped. An `AbortError` that it throws is no error.
 *
 * A message without an `id` gets the signal of its connection, which aborts when the connection ends: remove your own
 * listeners. Other transports and adapters never abort.
 *
 * @example
 * ```ts
 * @SubscribeMessage('report')
 * async report(@MessageBody() range: Range, @Signal() signal: AbortSignal) {
 *   return (await fetch(urlOf(range), { signal })).json();
 * }
 * ```
 *
 * @throws Error if it is used in a handler of HTTP requests
 */
export function Signal(): ParameterDecorator {
  return decorate();
}

/** Whether the function of a custom parameter decorator is that of {@link Signal}. */
export function isSignal(factory: unknown): boolean {
  return factory === readSignal;
}

function signalOf(context: ExecutionContext): AbortSignal {
  const type = context.getType<string>();
  if (type === 'ws') return signalOfMessage(context.getArgs<unknown[]>());
  if (type !== 'rpc')
    throw withCode(
      'ERR_ENVELOPE_UNSUPPORTED',
      new Error(`@Signal() is for handlers of messages, not of ${type}: remove it from ${nameOf(context)}`),
    );
  const signal: unknown = Reflect.get(Object(context.switchToRpc().getContext()) as object, 'signal');
  return signal instanceof AbortSignal ? signal : new AbortController().signal;
}

function signalOfMessage(args: readonly unknown[]): AbortSignal {
  const [client] = args;
  if (!(client instanceof EnvelopeSocket)) return new AbortController().signal;
  // Nest gets the acknowledgement function of each request
  const ack = args.find((value) => typeof value === 'function');
  if (ack === undefined) return client._requests.signal;
  const running = requestContext.getStore();
  if (running?.ack === ack) return running.signal;
  // messages of Socket.IO clients have no such context
  for (const request of client._requests.values()) if (request.ack === ack) return request.signal;
  return client._requests.signal;
}

function nameOf(context: ExecutionContext): string {
  return `${context.getClass().name}.${context.getHandler().name}`;
}
