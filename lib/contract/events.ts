import { isRecordLike, refuse } from '../protocol/refuse.js';
import { withCode } from '../protocol/with-code.js';
import { isStandardSchema, type StandardSchema } from '../nest/schemas/standard-schema.js';
import type { JsonSchema } from './asyncapi-types.js';

declare const PAYLOAD: unique symbol;

/** A JSON Schema with the TypeScript type of the value that it describes. {@link schema} returns one. */
export interface TypedSchema<Payload> extends JsonSchema {
  readonly [PAYLOAD]?: Payload;
}

/** A class that describes a payload: a DTO, or `String`, `Number`, `Boolean`, `Date`, or `Buffer` or `Uint8Array` for bytes. */
export type SchemaClass = abstract new (...args: never[]) => object;

/**
 * Describes a payload: a class, a Standard Schema (zod, valibot, arktype), a list of one of them (`[SaidDto]`), a JSON Schema, or
 * `null` for no payload.
 */
export type SchemaSource =
  SchemaClass | StandardSchema | readonly [SchemaClass | StandardSchema] | JsonSchema | null;

/** Event names and their payloads; see {@link defineEvents}. */
export type EventDefinitions = Readonly<Record<string, SchemaSource>>;

/**
 * The type of the payload that a source describes: of a Standard Schema, what it returns; `unknown` for a JSON Schema that
 * {@link schema} did not type.
 */
export type PayloadOf<Source> = Source extends StringConstructor
  ? string
  : Source extends NumberConstructor
    ? number
    : Source extends BooleanConstructor
      ? boolean
      : Source extends readonly [infer Item]
        ? PayloadOf<Item>[]
        : Source extends { readonly '~standard': { readonly types?: infer Types } }
          ? NonNullable<Types> extends { readonly output: infer Output }
            ? Output
            : unknown
          : Source extends abstract new (...args: never[]) => infer Instance
            ? Instance
            : Source extends { readonly [PAYLOAD]?: infer Payload }
              ? Payload
              : unknown;

/**
 * The event map of definitions, for the server and the client.
 *
 * @example
 * let server: EnvelopeServer<ClientToServer, EventsOf<typeof events>>;
 */
export type EventsOf<Definitions extends EventDefinitions> = {
  [Event in keyof Definitions & string]: Definitions[Event] extends null
    ? () => void
    : (data: PayloadOf<Definitions[Event]>) => void;
};

/**
 * Defines the events that a server emits, in one place: {@link EventsOf} derives the types from them, and `@Emits(events)` the
 * contract. Returns its argument.
 *
 * @example
 * export const events = defineEvents({ said: SaidDto, count: Number, names: [NameDto], bye: null });
 *
 * @throws TypeError if `events` is not an object, if a source describes no payload, or if one is `undefined` because two files import
 * each other
 */
export function defineEvents<const Definitions extends EventDefinitions>(events: Definitions): Definitions {
  if (!isRecordLike(events))
    refuse('defineEvents', 'events', events, 'an object, { said: SaidDto, bye: null }');
  for (const [event, source] of Object.entries(events)) known(source, `defineEvents({ ${event} })`);
  return events;
}

/**
 * Gives a JSON Schema, such as one of TypeBox, the TypeScript type of its values. Returns its argument.
 *
 * @example
 * const point = schema<Point>({ type: 'object', properties: { x: { type: 'number' }, y: { type: 'number' } } });
 *
 * @throws TypeError if `definition` is not an object
 */
export function schema<Payload>(definition: object): TypedSchema<Payload> {
  if (!isRecordLike(definition))
    refuse('schema', 'definition', definition, "a JSON Schema, { type: 'object' }");
  return definition as JsonSchema;
}

/**
 * Checks a source and returns it.
 *
 * @throws TypeError if it describes no payload, or is `undefined`, as a class is while two files import each other
 */
export function known(source: SchemaSource | undefined, where: string): SchemaSource {
  if (source === undefined)
    throw withCode(
      'ERR_ENVELOPE_INVALID_ARGUMENT',
      new TypeError(
        `${where}: source is undefined: its class may be in a file that imports this one. Pass null if the event has no payload`,
      ),
    );
  const [item] = Array.isArray(source) && source.length === 1 ? (source as readonly unknown[]) : [];
  const isList = typeof item === 'function' || isStandardSchema(item);
  if (source !== null && typeof source !== 'function' && !isList && !isRecordLike(source))
    refuse(
      where,
      'source',
      source,
      'a class, a Standard Schema, a list of one of them, a JSON Schema, or null',
    );
  return source;
}
