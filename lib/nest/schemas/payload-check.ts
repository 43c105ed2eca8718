import type { DtoError, DtoValidators } from './dto-validators.js';
import { isStandardSchema, type StandardSchema } from './standard-schema.js';

/** Why a payload does not match its declaration, and where. */
export interface PayloadIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Checks a payload. @returns what is wrong; an empty list if it is valid */
export type PayloadCheck = (value: unknown) => readonly PayloadIssue[];

const VALID: readonly PayloadIssue[] = [];

const BYTES: [string, (value: unknown) => boolean] = [
  'bytes',
  (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer,
];

/** The checks of built-in classes. */
const PLAIN = new Map<unknown, [name: string, isValid: (value: unknown) => boolean]>([
  [String, ['a string', (value) => typeof value === 'string']],
  [Number, ['a number', (value) => typeof value === 'number']],
  [Boolean, ['a boolean', (value) => typeof value === 'boolean']],
  [Array, ['a list', Array.isArray]],
  [Date, ['a date', (value) => !Number.isNaN(dateOf(value).getTime())]],
  [Buffer, BYTES],
  [Uint8Array, BYTES],
  [ArrayBuffer, BYTES],
]);

function dateOf(value: unknown): Date {
  if (value instanceof Date) return value;
  return new Date(typeof value === 'string' ? value : Number.NaN);
}

const ASYNCHRONOUS =
  'its schema validates asynchronously, and emit cannot wait: declare it without asynchronous rules';

/**
 * Returns the check of a source of `nestjs-envelope/contract`; `undefined` if nothing can check it: a plain JSON Schema, or a DTO
 * class without class-validator.
 *
 * A payload is valid in either of two forms: as the application emits it, or as JSON writes it, with a text for a `Date` and the
 * result of each `toJSON`.
 */
export function payloadCheckOf(
  source: unknown,
  validators: DtoValidators | undefined,
): PayloadCheck | undefined {
  const check = checkOf(source, validators);
  return (
    check &&
    ((value) => {
      const issues = check(value);
      return issues.length > 0 && isValidAsJson(value, check) ? VALID : issues;
    })
  );
}

function isValidAsJson(value: unknown, check: PayloadCheck): boolean {
  let json: unknown;
  try {
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined) json = JSON.parse(text);
  } catch {
    return false; // emit refuses it anyway
  }
  return check(json).length === 0;
}

function checkOf(source: unknown, validators: DtoValidators | undefined): PayloadCheck | undefined {
  if (isStandardSchema(source)) return (value) => schemaIssues(source, value);
  if (source === null)
    return (value) => (value === undefined || value === null ? VALID : issue('it is declared without data'));
  if (Array.isArray(source)) {
    const check = checkOf(source[0], validators);
    return (value) => {
      if (!Array.isArray(value)) return issue('expected a list');
      return value.flatMap((item, i) =>
        (check?.(item) ?? VALID).map(({ path, message }) => ({ path: [i, ...path], message })),
      );
    };
  }
  const plain = PLAIN.get(source);
  if (plain !== undefined) return (value) => (plain[1](value) ? VALID : issue(`expected ${plain[0]}`));
  if (typeof source !== 'function' || validators === undefined) return undefined;
  return (value) => dtoIssues(source, value, validators);
}

function issue(message: string): readonly PayloadIssue[] {
  return [{ path: [], message }];
}

function schemaIssues(schema: StandardSchema, value: unknown): readonly PayloadIssue[] {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    result.catch(() => undefined);
    return issue(ASYNCHRONOUS);
  }
  return (result.issues ?? []).map(({ message, path = [] }) => ({
    path: path.map((part) => (typeof part === 'object' ? part.key : part)),
    message,
  }));
}

function dtoIssues(
  type: Function,
  value: unknown,
  { validate, toInstance }: DtoValidators,
): readonly PayloadIssue[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return issue(`expected an object like ${type.name}`);
  let instance: object = value;
  if (!(value instanceof type))
    instance = toInstance?.(type, value) ?? Object.assign(Object.create(type.prototype as object), value);
  return flatten(validate(instance, { forbidUnknownValues: false }));
}

function flatten(errors: readonly DtoError[], above: readonly PropertyKey[] = []): PayloadIssue[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    const path = [...above, /^\d+$/.test(property) ? Number(property) : property];
    return [...Object.values(constraints).map((message) => ({ path, message })), ...flatten(children, path)];
  });
}

/**
 * Whether a schema transforms values: then it cannot check what it has returned. A default does not count: `required` and
 * `additionalProperties` alone may differ.
 */
export function transforms(source: unknown): boolean {
  const item: unknown = Array.isArray(source) ? source[0] : source;
  if (!isStandardSchema(item)) return false;
  const { input, output } = item['~standard'].jsonSchema ?? {};
  if (input === undefined || output === undefined) return false;
  const write = (side: typeof input): string | undefined => {
    try {
      return JSON.stringify(side({ target: 'draft-07' }), (key, value: unknown) =>
        key === 'required' || key === 'additionalProperties' ? undefined : value,
      );
    } catch {
      return undefined;
    }
  };
  return write(input) !== write(output);
}
