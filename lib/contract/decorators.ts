import { assertOptions, isRecordLike, refuse } from '../protocol/refuse.js';
import type { SecurityScheme } from './asyncapi-types.js';
import { known, type EventDefinitions, type SchemaSource } from './events.js';

/** What a handler answers with. */
export interface RepliesOptions {
  /** Many values come, each with `more`: the handler returns an Observable or an async iterable. */
  stream?: boolean;
  /** The answer's own name, of handlers that return `{ event, data }`. Default: the event's. */
  event?: string;
  description?: string;
}

/** What is said of a handler, or of a gateway's channel, for those who read the contract. */
export interface Description {
  summary?: string;
  description?: string;
  /** Of a handler: channels have no such mark. */
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
  replies: 'nestjs-envelope:contract:replies',
  emits: 'nestjs-envelope:contract:emits',
  security: 'nestjs-envelope:contract:security',
  description: 'nestjs-envelope:contract:description',
} as const;

/** What a decorator tells of: the class, or the method's function, as Nest's own do. */
function subject(target: object, descriptor: PropertyDescriptor | undefined): object {
  return descriptor === undefined ? target : (descriptor.value as object);
}

function read<Value>(key: string, target: object): Value | undefined {
  return Reflect.getMetadata(key, target) as Value | undefined;
}

function checkText(where: string, name: string, text: unknown, example: string): void {
  if (typeof text !== 'string' || text === '') refuse(where, name, text, `a text, such as '${example}'`);
}

/** A new list for the target itself: a subclass adds to what it inherits, and leaves that as it is. */
function prepend<Value>(key: string, target: object, ...values: Value[]): void {
  Reflect.defineMetadata(key, [...values, ...(read<Value[]>(key, target) ?? [])], target);
}

/**
 * What a handler takes, where its `@MessageBody()` is a TypeScript type that is gone at run time: an interface, a
 * union, a list.
 *
 *     @Receives([PointDto]) @SubscribeMessage('draw')
 *     draw(@MessageBody() points: PointDto[]) {}
 */
export function Receives(source: SchemaSource): MethodDecorator {
  // in a list: null is a word, too
  const received = [known(source, '@Receives')];
  return (target, _key, descriptor) =>
    Reflect.defineMetadata(KEYS.receives, received, subject(target, descriptor));
}

/** What a handler returns, or what its promise or its source of many values brings: `@Replies(SaidDto)`. */
export function Replies(source: SchemaSource, options: RepliesOptions = {}): MethodDecorator {
  const said = known(source, '@Replies');
  assertOptions('@Replies', options, ['stream', 'event', 'description'], '{ stream: true }');
  return (target, _key, descriptor) =>
    Reflect.defineMetadata(KEYS.replies, { ...options, source: said }, subject(target, descriptor));
}

/**
 * What a gateway, or one of its handlers, emits by itself; as often as needed:
 *
 *     @Emits('said', SaidDto, { description: 'Somebody said something' })
 *     @Emits(events)                                                       // of defineEvents({ … })
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
  assertOptions('@Emits', options, ['description'], "{ description: 'Somebody said something' }");
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
 * Which security scheme a guard checks. On the guard's class it holds wherever the guard stands; on a gateway or a
 * handler for that alone.
 *
 *     @Security('bearer', { type: 'http', scheme: 'bearer' })
 *     @Injectable()
 *     export class JwtGuard implements CanActivate {}
 *
 * @param scheme AsyncAPI's or OpenAPI's Security Scheme Object; once for each name, or in `createContract`'s
 * `securitySchemes`. Not needed for the names `bearer` and `basic`
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

/** Words for a handler's operation or a gateway's channel; `@ApiOperation` of `@nestjs/swagger` is read as well. */
export function Describe(description: Description): ClassDecorator & MethodDecorator {
  const names = ['summary', 'description', 'deprecated'];
  assertOptions('@Describe', description, names, "{ summary: 'Says something' }", 'description');
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor) =>
    Reflect.defineMetadata(KEYS.description, description, subject(target, descriptor));
}

/** In a list of one; `undefined` where nothing was said. */
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

/** By {@link Security}, or by `@ApiSecurity()` and its kin of `@nestjs/swagger`. */
export function securedBy(target: object): readonly Secured[] {
  const swagger = read<Record<string, string[]>[]>('swagger/apiSecurity', target) ?? [];
  return [
    ...(read<Secured[]>(KEYS.security, target) ?? []),
    ...swagger
      .flatMap((requirement) => Object.entries(requirement))
      .map(([name, scopes]) => ({ name, scheme: undefined, scopes })),
  ];
}
