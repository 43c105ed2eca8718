import { h, prose } from './dom.js';
import { pointer } from './contract.js';

/** Renders a JSON Schema: one row for each field, with the fields of nested objects below it. */
export function schemaView(contract, given) {
  if (given === undefined) return h('p', { class: 'empty' }, 'None');
  return h('ul', { class: 'schema' }, field(contract, { schema: given, above: [] }));
}

function field(contract, { name, schema: given, isRequired, above }) {
  const schema = contract.resolve(given) ?? {};
  const isKnown = above.includes(schema);
  const parts = isKnown ? [] : partsOf(contract, schema, [...above, schema]);
  return h(
    'li',
    null,
    h(
      'div',
      { class: 'line' },
      name !== undefined && h('code', { class: 'name' }, name),
      h('span', { class: 'type' }, typeText(contract, given)),
      isRequired && h('span', { class: 'required' }, 'required'),
      schema.deprecated === true && h('span', { class: 'tag' }, 'deprecated'),
      isKnown && h('span', { class: 'rule' }, 'as above'),
      rulesOf(schema).map((rule) => h('span', { class: 'rule' }, rule)),
    ),
    values(schema),
    prose(schema.description),
    parts.length > 0 && h('ul', null, parts),
  );
}

/** Renders the fields of an object, the items of an array, or the alternatives of a choice. */
function partsOf(contract, schema, above) {
  const required = Array.isArray(schema.required) ? schema.required : [];
  const own = Object.entries(schema.properties ?? {}).map(([name, part]) =>
    field(contract, { name, schema: part, isRequired: required.includes(name), above }),
  );
  const rest = schema.additionalProperties;
  if (typeof rest === 'object') own.push(field(contract, { name: 'any other', schema: rest, above }));
  for (const part of schema.allOf ?? []) own.push(...partsOf(contract, contract.resolve(part) ?? {}, above));
  const choices = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  const hasParts = choices.some((choice) => isComposed(contract.resolve(choice)));
  if (hasParts) own.push(...choices.map((choice) => field(contract, { schema: choice, above })));
  const items = contract.resolve(schema.items);
  if (isComposed(items) && !above.includes(items)) own.push(...partsOf(contract, items, [...above, items]));
  else if (items !== undefined && hasDetails(items))
    own.push(field(contract, { name: 'each', schema: items, above }));
  return own;
}

const isComposed = (schema) =>
  ['properties', 'items', 'oneOf', 'anyOf', 'allOf'].some((key) => schema?.[key] !== undefined);
const hasDetails = (schema) =>
  rulesOf(schema).length > 0 || schema.enum !== undefined || schema.description !== undefined;

function typeText(contract, given, depth = 0) {
  if (given === true || given === undefined || depth > 6) return 'any';
  if (given === false) return 'never';
  const schema = contract.resolve(given) ?? {};
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices !== undefined)
    return choices.map((choice) => typeText(contract, choice, depth + 1)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === 'array' || schema.items !== undefined) {
    const item = typeText(contract, schema.items, depth + 1);
    return item.includes(' ') ? `(${item})[]` : `${item}[]`;
  }
  if (typeof given.$ref === 'string' && isComposed(schema)) return pointer(given.$ref).at(-1);
  const type = [schema.type ?? (schema.enum ? 'one of' : schema.properties ? 'object' : 'any')]
    .flat()
    .join(' | ');
  if (schema.format === 'binary') return type.replace('string', 'bytes');
  return schema.format === undefined ? type : `${type} · ${schema.format}`;
}

function rulesOf(schema) {
  return [
    range('length', schema.minLength, schema.maxLength),
    range('items', schema.minItems, schema.maxItems),
    range('fields', schema.minProperties, schema.maxProperties),
    schema.minimum !== undefined && `≥ ${schema.minimum}`,
    schema.exclusiveMinimum !== undefined && `> ${schema.exclusiveMinimum}`,
    schema.maximum !== undefined && `≤ ${schema.maximum}`,
    schema.exclusiveMaximum !== undefined && `< ${schema.exclusiveMaximum}`,
    schema.multipleOf !== undefined && `multiple of ${schema.multipleOf}`,
    schema.pattern !== undefined && `/${schema.pattern}/`,
    schema.uniqueItems === true && 'unique items',
    schema.additionalProperties === false && 'no other fields',
    schema.default !== undefined && `default ${JSON.stringify(schema.default)}`,
  ].filter((rule) => typeof rule === 'string');
}

function range(what, least, most) {
  if (least === undefined && most === undefined) return undefined;
  if (least === most) return `${what} ${least}`;
  if (most === undefined) return `${what} ≥ ${least}`;
  return least === undefined ? `${what} ≤ ${most}` : `${what} ${least} to ${most}`;
}

function values({ enum: given }) {
  if (!Array.isArray(given)) return undefined;
  return h(
    'p',
    { class: 'values' },
    given.map((value) => h('code', null, JSON.stringify(value))),
  );
}
