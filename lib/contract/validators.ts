import type { JsonSchema } from './asyncapi-types.js';
import { plainSchema } from './design-types.js';
import type { Peers } from './optional-peers.js';

type Validator = NonNullable<Peers['validator']>;
type Storage = ReturnType<Validator['getMetadataStorage']>;
type Rule = ReturnType<Storage['getTargetValidationMetadatas']>[number];
type Constraints = readonly unknown[];

/** The schema that the validators of one property define. */
export interface ValidatedProperty {
  readonly name: string;
  /** The schema of the value. */
  readonly schema: JsonSchema;
  /** The schema of the list's items, from rules with `each`. */
  readonly items: JsonSchema;
  readonly isList: boolean;
  /** Whether `@ValidateNested` validates the value by the rules of its class. */
  readonly isNested: boolean;
  readonly isNotEmpty: boolean;
  readonly isRequired: boolean;
}

const text = (format?: string): JsonSchema => ({ type: 'string', ...(format && { format }) });
/** A text format for which JSON Schema has no equivalent. */
const like = (example: string): JsonSchema => ({ type: 'string', examples: [example] });
const matching = (pattern: string): JsonSchema => ({ type: 'string', pattern });

/**
 * The JSON Schema of each decorator of class-validator. A decorator that is not listed has no equivalent; then only the TypeScript
 * type of the property is used.
 */
const MEANINGS: Readonly<Record<string, JsonSchema | ((...constraints: Constraints) => JsonSchema)>> = {
  isString: text(),
  isInt: { type: 'integer' },
  isNumber: { type: 'number' },
  isBoolean: { type: 'boolean' },
  isObject: { type: 'object' },
  isNotEmptyObject: { type: 'object', minProperties: 1 },
  isArray: { type: 'array' },
  isDate: text('date-time'),
  // bytes, for example
  isInstance: (type) => plainSchema(type) ?? {},
  isEnum: (entity, values) => ({ enum: values ?? Object.values(entity as object) }),
  isIn: (values) => ({ enum: values }),
  isNotIn: (values) => ({ not: { enum: values } }),
  equals: (value) => ({ const: value }),
  notEquals: (value) => ({ not: { const: value } }),

  min: (minimum) => ({ minimum }),
  max: (maximum) => ({ maximum }),
  isPositive: { exclusiveMinimum: 0 },
  isNegative: { exclusiveMaximum: 0 },
  isDivisibleBy: (multipleOf) => ({ multipleOf }),
  isLatitude: { minimum: -90, maximum: 90 },
  isLongitude: { minimum: -180, maximum: 180 },

  minLength: (minLength) => ({ ...text(), minLength }),
  maxLength: (maxLength) => ({ ...text(), maxLength }),
  isLength: (minLength, maxLength) => ({
    ...text(),
    ...(minLength !== undefined && { minLength }),
    ...(maxLength !== undefined && { maxLength }),
  }),
  // JSON Schema has no flags, and without them the pattern would match other texts
  matches: (pattern) =>
    pattern instanceof RegExp && /[imsv]/.test(pattern.flags)
      ? text()
      : matching(pattern instanceof RegExp ? pattern.source : String(pattern)),
  contains: (seed) => matching(String(seed).replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')),
  isEmail: text('email'),
  // not a format: class-validator accepts `example.com`, too
  isUrl: like('https://example.com/'),
  isUuid: text('uuid'),
  isFqdn: text('hostname'),
  isIp: (version) => (version === undefined ? text() : text(`ipv${String(version)}`)),
  // not a format: class-validator accepts a date without a time, too
  isDateString: like('2026-01-31T12:00:00.000Z'),
  isIso8601: like('2026-01-31T12:00:00.000Z'),
  isRFC3339: text('date-time'),
  isMilitaryTime: matching('^([01]\\d|2[0-3]):[0-5]\\d$'),
  isAlpha: (locale) => (locale === undefined ? matching('^[A-Za-z]+$') : text()),
  isAlphanumeric: (locale) => (locale === undefined ? matching('^[0-9A-Za-z]+$') : text()),
  isHexadecimal: matching('^(0[xXhH])?[0-9A-Fa-f]+$'),
  isMongoId: matching('^[0-9A-Fa-f]{24}$'),
  isBase64: { type: 'string', contentEncoding: 'base64' },
  isJson: { type: 'string', contentMediaType: 'application/json' },
  isNumberString: text(),
  isBooleanString: matching('^(true|false|1|0)$'),

  arrayNotEmpty: { type: 'array', minItems: 1 },
  arrayMinSize: (minItems) => ({ type: 'array', minItems }),
  arrayMaxSize: (maxItems) => ({ type: 'array', maxItems }),
  arrayUnique: { type: 'array', uniqueItems: true },
};

/** Returns the properties with validators of a class and its base classes, in the order of their decorators. */
export function validatedProperties(type: Function, validator: Validator): ValidatedProperty[] {
  const storage = validator.getMetadataStorage();
  const rules = storage.getTargetValidationMetadatas(type, '', false, false);
  return Object.entries(storage.groupByPropertyName(rules)).map(([name, own]) =>
    describe(name, own, storage),
  );
}

function describe(name: string, rules: readonly Rule[], storage: Storage): ValidatedProperty {
  const named = rules.map((rule) => ({ rule, name: nameOf(rule, storage) }));
  const names = named.map(({ name }) => name);
  const meaning = (each: boolean): JsonSchema =>
    Object.assign(
      {},
      ...named
        .filter(({ rule }) => (rule.each ?? false) === each)
        .map(({ rule, name }) => meaningOf(name, rule.constraints ?? [])),
    ) as JsonSchema;
  const has = (type: string): boolean => rules.some((rule) => rule.type === type);
  const schema = meaning(false);
  return {
    name,
    schema,
    items: meaning(true),
    isList: schema['type'] === 'array' || rules.some((rule) => rule.each),
    isNested: has('nestedValidation'),
    isNotEmpty: names.includes('isNotEmpty'),
    isRequired:
      names.includes('isDefined') ||
      (!has('conditionalValidation') && rules.some((rule) => rule.type !== 'whitelistValidation')),
  };
}

/** Returns the name of a rule. Its place depends on the version of class-validator. */
function nameOf(rule: Rule, storage: Storage): string | undefined {
  if (rule.name !== undefined || rule.constraintCls === undefined) return rule.name;
  return storage.getTargetValidatorConstraints(rule.constraintCls)[0]?.name;
}

function meaningOf(name: string | undefined, constraints: Constraints): JsonSchema {
  // not MEANINGS[name]: a custom rule may be named `constructor`
  const meaning = name !== undefined && Object.hasOwn(MEANINGS, name) ? MEANINGS[name]! : {};
  return typeof meaning === 'function' ? meaning(...constraints) : meaning;
}
