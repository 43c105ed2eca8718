import { isRecordLike, refuse } from '../protocol/refuse.js';
import { withCode } from '../protocol/with-code.js';
import type { JsonSchema } from './asyncapi-types.js';

declare const PAYLOAD: unique symbol;

/** A JSON Schema that knows the TypeScript type of what it describes; see {@link schema}. */
export interface TypedSchema<Payload> extends JsonSchema {
  readonly [PAYLOAD]?: Payload;
}

/** A class, whose instances are the payload: a DTO, or `String`, `Number`, `Boolean`, `Date`. */
export type SchemaClass = abstract new (...args: never[]) => object;

/** What describes a payload: a class, a list of one (`[SaidDto]`), a JSON Schema, or `null`: there is none. */
export type SchemaSource = SchemaClass | readonly [SchemaClass] | JsonSchema | null;

/** Events and what they carry; see {@link defineEvents}. */
export type EventDefinitions = Readonly<Record<string, SchemaSource>>;

/** The type of what a source describes; `unknown` where a schema was not typed by {@link schema}. */
export type PayloadOf<Source> = Source extends StringConstructor
  ? string
  : Source extends NumberConstructor
    ? number
    : Source extends BooleanConstructor
      ? boolean
      : Source extends readonly [infer Item]
        ? PayloadOf<Item>[]
        : Source extends abstract new (...args: never[]) => infer Instance
          ? Instance
          : Source extends { readonly [PAYLOAD]?: infer Payload }
            ? Payload
            : unknown;

/** The event map of definitions, for `EnvelopeServer<ClientToServer, EventsOf<typeof events>>` and the client. */
export type EventsOf<Definitions extends EventDefinitions> = {
  [Event in keyof Definitions & string]: Definitions[Event] extends null
    ? () => void
    : (data: PayloadOf<Definitions[Event]>) => void;
};

/**
 * The one source of truth for what a server emits: types are made of it by {@link EventsOf}, the contract by
 * `@Emits(events)`.
 *
 *     export const events = defineEvents({ said: SaidDto, count: Number, names: [NameDto], bye: null });
 *
 * @throws TypeError where it is no object, or where a source is none: an undefined one is a class that is not there yet
 */
export function defineEvents<const Definitions extends EventDefinitions>(events: Definitions): Definitions {
  if (!isRecordLike(events))
    refuse('defineEvents', 'events', events, 'an object, { said: SaidDto, bye: null }');
  for (const [event, source] of Object.entries(events)) known(source, `defineEvents({ ${event} })`);
  return events;
}

/** A JSON Schema for a type that has no class: `schema<Point>({ type: 'object', … })`. @throws TypeError where it is no object */
export function schema<Payload>(definition: JsonSchema): TypedSchema<Payload> {
  if (!isRecordLike(definition))
    refuse('schema', 'definition', definition, "a JSON Schema, { type: 'object' }");
  return definition;
}

/** @throws TypeError on what describes nothing, and on a class that is not there yet: two files import each other */
export function known(source: SchemaSource | undefined, where: string): SchemaSource {
  if (source === undefined)
    throw withCode(
      'ERR_ENVELOPE_INVALID_ARGUMENT',
      new TypeError(
        `${where}: source is undefined: is its class in a file that imports this one? Write null where nothing is sent`,
      ),
    );
  const isList = Array.isArray(source) && source.length === 1 && typeof source[0] === 'function';
  if (source !== null && typeof source !== 'function' && !isList && !isRecordLike(source))
    refuse(where, 'source', source, 'a class, a list of one class, a JSON Schema, or null');
  return source;
}
