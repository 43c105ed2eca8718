import { withCode } from '../../protocol/with-code.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { IncomingRequest } from '../../server/socket/incoming-request.js';
import type { KeyedRequest } from '../../server/socket/keyed-request.js';
import type { Turn } from '../../server/socket/turn.js';
import type { Gateway } from '../gateways/gateway-explorer.js';
import { NEST } from '../gateways/nest-metadata.js';
import type { OnceStore } from '../options/once-store.js';

/** The metadata key of `@Once()`, whose code is in an entry of its own: only handlers that use it load it. */
const ONCE = 'nestjs-envelope:once';
/** Nest's number of `@Ack()` among the types of parameters. */
const ACK = '13';

/** One keyed request of a client. */
export interface KeyedMessage {
  readonly client: EnvelopeSocket;
  readonly event: string;
  readonly data: unknown;
  readonly request: KeyedRequest;
  readonly turn: Turn | undefined;
  /** Calls the handlers with a request that takes their answer. */
  readonly handle: (request: IncomingRequest) => void;
}

/** Does the keyed requests of a path once. */
export interface OnceRunner {
  /** @returns whether the event has a handler with `@Once()`, and the request gets its answer */
  run(message: KeyedMessage): boolean;
}

/** What `@Once()` writes on a handler. */
interface OnceMark<Settings = unknown> {
  readonly settings: Settings;
  create(settings: ReadonlyMap<string, Settings>, services: OnceServices): OnceRunner;
}

/** What the runner uses of the adapter. */
export interface OnceServices {
  /** The option `onceStore`. */
  readonly store: OnceStore | undefined;
  /** Logs a warning, sampled by subject. */
  warn(subject: string, text: string): void;
}

/** Writes the mark of `@Once()` on a handler. */
export function markOnce<Settings>(handler: object, mark: OnceMark<Settings>): void {
  Reflect.defineMetadata(ONCE, mark, handler);
}

/**
 * Returns what does the keyed requests of a path once; `undefined` if no handler has `@Once()`.
 *
 * @throws Error that names the handler, if it is a generator or has `@Ack()`
 */
export function onceRunner(gateways: readonly Gateway[], services: OnceServices): OnceRunner | undefined {
  const settings = new Map<string, unknown>();
  let create: OnceMark['create'] | undefined;
  for (const { type, handlers } of gateways)
    for (const handler of handlers) {
      const mark = Reflect.getMetadata(ONCE, handler) as OnceMark | undefined;
      if (mark === undefined) continue;
      assertOneAnswer(type, handler);
      create ??= mark.create;
      const event = String(Reflect.getMetadata(NEST.message, handler));
      if (!settings.has(event)) settings.set(event, mark.settings);
    }
  return create?.(settings, services);
}

function assertOneAnswer(type: Function, handler: object): void {
  const { name } = handler as Function;
  const parameters = Reflect.getMetadata(NEST.parameters, type, name) as object | undefined;
  const why = /Generator/.test(Object.prototype.toString.call(handler))
    ? 'it is a generator, and a stream has no single answer to keep'
    : Object.keys(parameters ?? {}).some((mark) => mark.split(':')[0] === ACK)
      ? 'it has @Ack(), and its answer is not known to the server. Return the answer'
      : undefined;
  if (why !== undefined)
    throw withCode(
      'ERR_ENVELOPE_UNSUPPORTED',
      new Error(`${type.name}.${name}: @Once() cannot be used: ${why}`),
    );
}
