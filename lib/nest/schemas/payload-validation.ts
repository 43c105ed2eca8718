import { isObservable, map } from 'rxjs';
import type { MessageMappingProperties } from '@nestjs/websockets';
import type { Gateway } from '../gateways/gateway-explorer.js';
import { requestContext } from '../../server/socket/incoming-request.js';
import { keyPath } from '../../protocol/payload.js';
import { withCode } from '../../protocol/with-code.js';
import { declaredEmits, declaredReplies } from './declared-payloads.js';
import { loadDtoValidators, type DtoValidators } from './dto-validators.js';
import { payloadCheckOf, transforms, type PayloadCheck, type PayloadIssue } from './payload-check.js';
import { isStandardSchema } from './standard-schema.js';

/** Issues in an error. */
const MAX_ISSUES = 5;

/** A handler, as Nest binds it: without the name of its method. */
type Handler = Pick<MessageMappingProperties, 'message' | 'callback' | 'isAckHandledManually'>;

/** The checks of one path. */
export interface PathChecks {
  /** Checks the arguments of an `emit`. @throws Error if `@Emits` declares something else */
  emit(event: string, args: readonly unknown[]): void;
  /** Returns a handler whose results are checked. */
  reply<Bound extends Handler>(handler: Bound): Bound;
}

/** One declaration of a payload. */
interface Declared {
  /** The class or handler. */
  readonly where: string;
  readonly check: PayloadCheck | undefined;
  /** The name under which a handler answers; `undefined`: that of the request. */
  readonly event?: string | undefined;
}

/** The option `validateEmits`: checks what gateways send against what `@Emits` and `@Replies` declare. */
export class PayloadValidation {
  private readonly validators: DtoValidators | undefined = loadDtoValidators();

  /** @param warn logs what cannot be checked */
  constructor(private readonly warn: (text: string) => void) {}

  /** Returns the checks for the gateways of one path. */
  of(gateways: readonly Gateway[]): PathChecks {
    const emits = new DeclaredPayloads();
    const replies = new DeclaredPayloads();
    for (const gateway of gateways) {
      const { name } = gateway.type;
      for (const { event, source } of declaredEmits(gateway))
        emits.add(event, { where: name, check: this.checkOf(source, `"${event}" of ${name}`) });
      for (const { message, method, reply } of declaredReplies(gateway)) {
        const where = `${name}.${method}`;
        const check = reply && this.checkOf(reply.source, `the answer of ${where}`);
        replies.add(message, { where, check, event: reply?.event });
      }
    }
    return {
      emit: (event, args) => checkEmit(event, args, emits.of(event)),
      reply: (handler) => {
        const declared = replies.of(String(handler.message));
        // @Ack() makes the return value no answer
        if (handler.isAckHandledManually || declared.some(({ check }) => check === undefined)) return handler;
        return { ...handler, callback: withCheck(handler.callback, declared) };
      },
    };
  }

  private checkOf(source: unknown, what: string): PayloadCheck | undefined {
    const cannot = `EnvelopeAdapter: validateEmits cannot check ${what}`;
    if (transforms(source)) {
      this.warn(`${cannot}: its schema transforms values. Declare the schema of what is sent`);
      return undefined;
    }
    const item: unknown = Array.isArray(source) ? source[0] : source;
    const check = payloadCheckOf(source, this.validators);
    if (check === undefined && typeof item === 'function' && !isStandardSchema(item))
      this.warn(`${cannot}: its class needs class-validator, which is not installed`);
    return check;
  }
}

/** Declarations by event. Several gateways of a path may declare one event: then one that matches is enough. */
class DeclaredPayloads {
  private readonly byEvent = new Map<string, Declared[]>();

  add(event: string, declared: Declared): void {
    const before = this.byEvent.get(event);
    if (before === undefined) this.byEvent.set(event, [declared]);
    else before.push(declared);
  }

  of(event: string): readonly Declared[] {
    return this.byEvent.get(event) ?? [];
  }
}

/** @throws Error if no declaration allows the data */
function assertAllowed(
  declared: readonly Declared[],
  dataFor: (declared: Declared) => unknown,
  explain: (where: string) => string,
): void {
  let failed: string | undefined;
  for (const one of declared) {
    const issues = one.check?.(dataFor(one)) ?? [];
    if (issues.length === 0) return;
    failed ??= `${explain(one.where)}: ${describe(issues)}`;
  }
  if (failed !== undefined) throw withCode('ERR_ENVELOPE_INVALID_EMIT', new Error(failed));
}

function checkEmit(event: string, args: readonly unknown[], declared: readonly Declared[]): void {
  if (declared.length === 0) return;
  const values = typeof args.at(-1) === 'function' ? args.slice(0, -1) : args;
  const data = values.length > 1 ? values : values[0];
  assertAllowed(
    declared,
    () => data,
    (where) => `${where} emits "${event}" with data that its @Emits does not allow`,
  );
}

function withCheck(callback: Handler['callback'], declared: readonly Declared[]): Handler['callback'] {
  const checked = (result: unknown): unknown => {
    if (result === undefined && hasFailed()) return result;
    assertAllowed(
      declared,
      ({ event }) => {
        // { event, data } sends the data under another name
        const { event: name, data } = Object(result) as { event?: unknown; data?: unknown };
        return event !== undefined && name === event ? data : result;
      },
      (where) => `${where} answers with data that its @Replies does not allow`,
    );
    return result;
  };
  return async (...args: unknown[]) => {
    const result: unknown = await (Reflect.apply(callback, undefined, args) as unknown);
    // the operator keeps the source, so that generators are still read at the client's pace
    return (isObservable(result) ? result.pipe(map(checked)) : checked(result)) as never;
  };
}

/** Whether the handler threw, so that a filter answers: Nest returns nothing then, as it does for a handler that returns nothing. */
function hasFailed(): boolean {
  const request = requestContext.getStore();
  // a message without an id has no request, and nothing is sent for `undefined`
  return request === undefined || request.failing || request.isAborted;
}

function describe(issues: readonly PayloadIssue[]): string {
  const shown = issues
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => `${['data', ...path.map(partOf)].join('')}: ${message}`);
  const rest = issues.length - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ');
}

function partOf(key: PropertyKey): string {
  return typeof key === 'number' ? `[${key}]` : keyPath(String(key));
}
