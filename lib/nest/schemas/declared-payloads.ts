import { MetadataScanner } from '@nestjs/core';
import type { Gateway } from '../gateways/gateway-explorer.js';
import { NEST } from '../gateways/nest-metadata.js';

/** The metadata keys of `@Emits` and `@Replies`, which `nestjs-envelope/contract` defines. */
export const DECLARED = {
  emits: 'nestjs-envelope:contract:emits',
  replies: 'nestjs-envelope:contract:replies',
} as const;

/** An event that a gateway declares. */
interface DeclaredEvent {
  readonly event: string;
  /** A source of `nestjs-envelope/contract`: a class, a Standard Schema, a list of one of them, a JSON Schema, or `null`. */
  readonly source: unknown;
}

/** A handler, and the answer that it declares. */
interface DeclaredReply {
  /** The event of its messages. */
  readonly message: string;
  /** The name of the method. */
  readonly method: string;
  /** `undefined`: it declares none. `event` is the name of the answer, if it differs from that of the message. */
  readonly reply: (Omit<DeclaredEvent, 'event'> & { readonly event?: string | undefined }) | undefined;
}

/** Returns the events that `@Emits` declares on a gateway and its handlers. */
export function declaredEmits({ type, handlers }: Gateway): DeclaredEvent[] {
  return [type, ...handlers].flatMap(
    (target) => (Reflect.getMetadata(DECLARED.emits, target) as DeclaredEvent[] | undefined) ?? [],
  );
}

/** Returns the handlers of a gateway, with the answers that `@Replies` declares. */
export function declaredReplies({ type, handlers }: Gateway): DeclaredReply[] {
  const prototype = type.prototype as Record<string, object>;
  return new MetadataScanner()
    .getAllMethodNames(prototype)
    .filter((method) => handlers.includes(prototype[method]!))
    .map((method) => ({
      message: String(Reflect.getMetadata(NEST.message, prototype[method]!)),
      method,
      reply: Reflect.getMetadata(DECLARED.replies, prototype[method]!) as DeclaredReply['reply'],
    }));
}
