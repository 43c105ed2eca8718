const FORMATS = {
  email: 'ada@example.com',
  uuid: '3f8b5a4e-7c1d-4e2a-9b6f-0d1c2b3a4f5e',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  date: '2026-01-31',
  'date-time': '2026-01-31T12:00:00.000Z',
  time: '12:00:00Z',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  hostname: 'example.com',
};

/**
 * Returns a value that probably fits a schema, without validation: the schema's example, or else the simplest value. Returns
 * `undefined` if the schema defines no type.
 */
export function exampleOf(contract, given, above = []) {
  const schema = contract.resolve(given);
  if (typeof schema !== 'object' || schema === null || above.includes(schema) || above.length > 8)
    return undefined;
  const candidates = [schema.examples?.[0], schema.example, schema.default, schema.const, schema.enum?.[0]];
  const known = candidates.find((value) => value !== undefined);
  if (known !== undefined) return known;
  const within = (part) => exampleOf(contract, part, [...above, schema]);
  const choice = schema.oneOf?.[0] ?? schema.anyOf?.[0];
  if (choice !== undefined) return within(choice);
  if (schema.allOf !== undefined)
    return Object.assign({}, ...schema.allOf.map(within), fields(schema, within));
  switch (typeOf(schema)) {
    case 'object':
      return fields(schema, within);
    case 'array':
      return list(schema, within);
    case 'string':
      return schema.format === 'binary' ? { $bytes: 'aGVsbG8=' } : text(schema);
    case 'integer':
    case 'number':
      return number(schema);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return undefined;
  }
}

function typeOf(schema) {
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  return (
    type ?? (schema.properties !== undefined ? 'object' : schema.items !== undefined ? 'array' : undefined)
  );
}

function fields({ properties = {} }, within) {
  const entries = Object.entries(properties).map(([name, part]) => [name, within(part)]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function list({ items, minItems = 1, maxItems = 1 }, within) {
  const item = items === undefined ? undefined : within(items);
  if (item === undefined || maxItems === 0) return [];
  return Array.from({ length: Math.min(Math.max(minItems, 1), 10) }, () => item);
}

function text({ format, minLength = 0, maxLength = Infinity }) {
  const word = FORMATS[format] ?? 'text';
  return word.padEnd(Math.min(minLength, 1_000), '.').slice(0, maxLength);
}

/** Returns one step, or the nearest value within the bounds. */
function number({ minimum, exclusiveMinimum, maximum, exclusiveMaximum, multipleOf, type }) {
  const step = multipleOf ?? 1;
  const isWhole = type === 'integer' || multipleOf !== undefined;
  if (minimum > step) return isWhole ? Math.ceil(minimum / step) * step : minimum;
  if (exclusiveMinimum >= step) return (Math.floor(exclusiveMinimum / step) + 1) * step;
  if (maximum < step) return isWhole ? Math.floor(maximum / step) * step : maximum;
  if (exclusiveMaximum <= step) return (Math.ceil(exclusiveMaximum / step) - 1) * step;
  return step;
}
