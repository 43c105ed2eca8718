import { MetadataScanner } from '@nestjs/core';
import type { Gateway } from '../nest/gateways/gateway-explorer.js';
import { NEST } from '../nest/gateways/nest-metadata.js';
import { descriptionOf, receivedOf, replyOf, type Description, type Reply } from './decorators.js';
import { fromDesign } from './design-types.js';
import type { SchemaSource } from './events.js';
import { isStandardSchema } from '../nest/schemas/standard-schema.js';
import { isMessageKeyDecorator } from '../nest/handlers/message-key.js';
import { isSignal } from '../nest/handlers/signal.js';

/** A method with `@SubscribeMessage`, as its decorators and types describe it. */
export interface Handler {
  readonly event: string;
  /** For example `ChatGateway.say`. */
  readonly name: string;
  readonly method: object;
  readonly takes: Taken;
  readonly reply: Omit<Reply, 'source'> & { readonly source: SchemaSource | undefined };
  readonly description: Description;
}

/** What a handler reads: the whole payload (`undefined`: any JSON), or some of its fields. */
export type Taken =
  | { readonly whole: SchemaSource | undefined }
  | { readonly fields: Readonly<Record<string, SchemaSource | undefined>> };

/** The key with which Nest marks a parameter with `@MessageBody()`. */
const PAYLOAD = '3';

/** Returns the handlers of a gateway, in the order of its methods. */
export function handlersOf({ type, handlers }: Gateway): Handler[] {
  const prototype = type.prototype as Record<string, object>;
  return new MetadataScanner()
    .getAllMethodNames(prototype)
    .filter((key) => handlers.includes(prototype[key]!))
    .map((key) => {
      const method = prototype[key]!;
      const received = receivedOf(method);
      return {
        event: String(Reflect.getMetadata(NEST.message, method)),
        name: `${type.name}.${key}`,
        method,
        takes: received === undefined ? takenBy(type, key) : { whole: received[0] },
        reply: replyOf(method) ?? {
          source: fromDesign(Reflect.getMetadata('design:returntype', prototype, key)),
        },
        description: descriptionOf(method),
      };
    });
}

interface Parameter {
  readonly index: number;
  readonly data?: unknown;
  /** The schema of `@MessageBody({ schema })`, from Nest 12 on. */
  readonly schema?: unknown;
  readonly factory?: unknown;
}

function takenBy(type: Function, key: string): Taken {
  const types = (Reflect.getMetadata('design:paramtypes', type.prototype as object, key) as unknown[]) ?? [];
  const decorated = Reflect.getMetadata(NEST.parameters, type, key) as Record<string, Parameter> | undefined;
  // without decorators Nest calls handler(client, data)
  if (decorated === undefined) return { whole: types.length > 1 ? fromDesign(types[1]) : null };
  const bodies = Object.entries(decorated)
    .filter(([mark]) => mark.split(':')[0] === PAYLOAD)
    .map(([, { index, data, schema }]) => ({
      field: data,
      // the schema that validates the payload is more precise than the type
      source: isStandardSchema(schema) ? schema : fromDesign(types[index]),
    }));
  const whole = bodies.find(({ field }) => typeof field !== 'string');
  if (whole !== undefined) return { whole: whole.source };
  if (bodies.length > 0)
    return {
      fields: Object.fromEntries(bodies.reverse().map(({ field, source }) => [String(field), source])),
    };
  // a custom parameter decorator may read any part of the message; @Signal() and @MessageKey() read nothing of it
  const hasCustom = Object.entries(decorated).some(
    ([mark, { factory }]) =>
      mark.includes('__customRouteArgs__') && !isSignal(factory) && !isMessageKeyDecorator(factory),
  );
  return { whole: hasCustom ? undefined : null };
}

/** Whether a field of the payload must be there: its schema refuses `undefined`. */
export function refusesNothing(source: SchemaSource | undefined): boolean {
  if (!isStandardSchema(source)) return false;
  const result = source['~standard'].validate(undefined);
  if (!(result instanceof Promise)) return result.issues !== undefined;
  result.catch(() => undefined); // an asynchronous schema: nobody waits for it here
  return false;
}
