import { assertOptions, isRecordLike, refuse } from '../protocol/refuse.js';
import { DECLARED } from '../nest/schemas/declared-payloads.js';
import type { SecurityScheme } from './asyncapi-types.js';
import { known, type EventDefinitions, type SchemaSource } from './events.js';

/** Options of {@link Replies}: how a handler answers. */
export interface RepliesOptions {
  /** Whether the handler answers with many values, as an Observable or an async iterable. Default: `false`. */
  stream?: boolean;
  /** The event name of the answer, for handlers that return `{ event, data }`. Default: the name of the request's event. */
  event?: string;
  description?: string;
}

/** Texts of {@link Describe} for a handler's operation or a gateway's channel. */
export interface Description {
  summary?: string;
  description?: string;
  /** Marks the operation as deprecated. Ignored on a gateway: channels have no such field. */
  deprecated?: boolean;
}

export interface Reply extends RepliesOptions {
  readonly source: SchemaSource;
}

export interface Emitted {
  readonly event: string;
  readonly source: SchemaSource;
  readonly description?: string | undefined;
}

export interface Secured {
  readonly name: string;
  readonly scheme: SecurityScheme | undefined;
  readonly scopes: readonly string[];
}

const KEYS = {
  receives: 'nestjs-envelope:contract:receives',
  ...DECLARED,
  security: 'nestjs-envelope:contract:security',
  description: 'nestjs-envelope:contract:description',
} as const;

/** Returns the target of the metadata: the class or the method's function, as Nest's decorators do. */
function subject(target: object, descriptor: PropertyDescriptor | undefined): object {
  return descriptor === undefined ? target : (descriptor.value as object);
}

function read<Value>(key: string, target: object): Value | undefined {
  return Reflect.getMetadata(key, target) as Value | undefined;
}

function checkText(where: string, name: string, text: unknown, example: string): void {
  if (typeof text !== 'string' || text === '') refuse(where, name, text, `a text, such as '${example}'`);
}

/** Stores a new list on the target. A subclass extends the list that it inherits, and does not change it. */
function prepend<Value>(key: string, target: object, ...values: Value[]): void {
  Reflect.defineMetadata(key, [...values, ...(read<Value[]>(key, target) ?? [])], target);
}

/**
 * Declares the payload of a handler whose `@MessageBody()` has a type that TypeScript erases: an interface, a union or a list.
 *
 * @example
 * ```ts
 * @Receives([PointDto])
 * @SubscribeMessage('draw')
 * draw(@MessageBody() points: PointDto[]) {}
 * ```
 *
 * @throws TypeError if `source` describes no payload, or is `undefined` because two files import each other
 */
export function Receives(source: SchemaSource): MethodDecorator {
  // in a list, because null is a valid source
  const received = [known(source, '@Receives')];
  return (target, _key, descriptor) =>
    Reflect.defineMetadata(KEYS.receives, received, subject(target, descriptor));
}

/**
 * Declares the answer of a handler: the type that it returns, or the type of the values of its promise, Observable or async iterable.
 *
 * @example
 * ```ts
 * @Replies(PriceDto, { stream: true })
 * @SubscribeMessage('prices')
 * prices(): Observable<PriceDto> {
 *   return this.market.prices();
 * }
 * ```
 *
 * @throws TypeError if `source` describes no payload, or an option is unknown
 */
export function Replies(source: SchemaSource, options: RepliesOptions = {}): MethodDecorator {
  const answer = known(source, '@Replies');
  assertOptions('@Replies', options, ['stream', 'event', 'description'], '{ stream: true }');
  return (target, _key, descriptor) =>
    Reflect.defineMetadata(KEYS.replies, { ...options, source: answer }, subject(target, descriptor));
}

/**
 * Declares an event, or several events, that a gateway or one of its handlers emits. It can be repeated. With the option
 * `validateEmits` of `EnvelopeAdapter`, each emit is checked against it.
 *
 * @example
 * ```ts
 * @Emits('said', SaidDto, { description: 'A client said something' })
 * @Emits(events) // of defineEvents({ … })
 * @WebSocketGateway()
 * export class ChatGateway {}
 * ```
 *
 * @throws TypeError if the event is not a string, a source describes no payload, or an option is unknown
 */
export function Emits(events: EventDefinitions): ClassDecorator & MethodDecorator;
export function Emits(
  event: string,
  source: SchemaSource,
  options?: { description?: string },
): ClassDecorator & MethodDecorator;
export function Emits(
  events: string | EventDefinitions,
  source?: SchemaSource,
  options: { description?: string } = {},
): ClassDecorator & MethodDecorator {
  if (!isRecordLike(events)) checkText('@Emits', 'event', events, 'said');
  assertOptions('@Emits', options, ['description'], "{ description: 'A client said something' }");
  const { description } = options;
  const emitted: Emitted[] =
    typeof events === 'string'
      ? [{ event: events, source: known(source, `@Emits('${events}')`), description }]
      : Object.entries(events).map(([event, each]) => ({
          event,
          source: known(each, `@Emits({ ${event} })`),
        }));
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor) =>
    prepend(KEYS.emits, subject(target, descriptor), ...emitted);
}

/**
 * Declares a security scheme. On the class of a guard it applies wherever the guard is used; on a gateway or a handler it applies
 * only there.
 *
 * @example
 * ```ts
 * @Security('bearer', { type: 'http', scheme: 'bearer' })
 * @Injectable()
 * export class JwtGuard extends AuthGuard('jwt') {}
 * ```
 *
 * @param scheme AsyncAPI's or OpenAPI's Security Scheme Object. Describe each name once, here or in the option `securitySchemes` of
 * `createContract`. Default: the HTTP schemes for the names `bearer` and `basic`
 * @param scopes the scopes of an `oauth2` or `openIdConnect` scheme. Default: none
 * @throws TypeError if an argument is malformed
 */
export function Security(
  name: string,
  scheme?: SecurityScheme,
  scopes: readonly string[] = [],
): ClassDecorator & MethodDecorator {
  checkText('@Security', 'name', name, 'bearer');
  if (scheme !== undefined && !isRecordLike(scheme))
    refuse('@Security', 'scheme', scheme, "a Security Scheme Object, { type: 'http', scheme: 'bearer' }");
  if (!Array.isArray(scopes)) refuse('@Security', 'scopes', scopes, 'a list of texts');
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor) =>
    prepend<Secured>(KEYS.security, subject(target, descriptor), { name, scheme, scopes });
}

/**
 * Adds texts to a handler's operation or a gateway's channel. `@ApiOperation` of `@nestjs/swagger` has the same effect.
 *
 * @example
 * ```ts
 * @Describe({ summary: 'Sends a text to all clients in the room' })
 * @SubscribeMessage('say')
 * say() {}
 * ```
 *
 * @throws TypeError if a field is unknown
 */
export function Describe(description: Description): ClassDecorator & MethodDecorator {
  const names = ['summary', 'description', 'deprecated'];
  assertOptions('@Describe', description, names, "{ summary: 'Says something' }", 'description');
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor) =>
    Reflect.defineMetadata(KEYS.description, description, subject(target, descriptor));
}

/** Returns the source that `@Receives` declares, in a list; `undefined` if the handler has no `@Receives`. */
export function receivedOf(handler: object): readonly [SchemaSource] | undefined {
  return read(KEYS.receives, handler);
}

export function replyOf(handler: object): Reply | undefined {
  return read(KEYS.replies, handler);
}

export function emittedBy(target: object): readonly Emitted[] {
  return read(KEYS.emits, target) ?? [];
}

export function descriptionOf(target: object): Description {
  const swagger = read<Description>('swagger/apiOperation', target);
  return { ...swagger, ...read<Description>(KEYS.description, target) };
}

/** Returns the schemes that {@link Security}, or `@ApiSecurity()` and similar decorators of `@nestjs/swagger`, declare. */
export function securedBy(target: object): readonly Secured[] {
  const swagger = read<Record<string, string[]>[]>('swagger/apiSecurity', target) ?? [];
  return [
    ...(read<Secured[]>(KEYS.security, target) ?? []),
    ...swagger
      .flatMap((requirement) => Object.entries(requirement))
      .map(([name, scopes]) => ({ name, scheme: undefined, scopes })),
  ];
}
