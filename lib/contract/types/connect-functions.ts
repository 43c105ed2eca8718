import type { ContractChannel } from '../asyncapi-types.js';
import { PARAMETER_TEXTS } from '../parameter-texts.js';
import { docComment, propertyName, quote } from './source-text.js';

/** Functions at the end of the file, which those of the paths call, by their names. */
const HELPERS: Readonly<Record<string, string>> = {
  origin: `function origin(base: string): string {
  return base.replace(/\\/+$/, '');
}
`,
  segment: `function segment(value: string): string {
  // a URL would leave the path at such a segment
  if (value === '.' || value === '..') throw TypeError(\`A path parameter cannot be "\${value}"\`);
  return encodeURIComponent(value);
}
`,
  segments: `function segments(value: string): string {
  return value.split('/').map(segment).join('/');
}
`,
  // the RegExp sees what decodeURI() decodes
  regExpName: `function regExpName(value: string): string {
  segments(value);
  return encodeURI(value).replace(/[?#]/g, encodeURIComponent);
}
`,
};

/** Returns the functions that a text calls, with those that they call themselves. */
export function helpersOf(text: string): string[] {
  const used: string[] = [];
  let calls = text;
  // each one calls only those before it
  for (const [name, helper] of Object.entries(HELPERS).reverse()) {
    if (!new RegExp(`\\b${name}\\b[()]`).test(calls)) continue;
    calls += helper;
    used.unshift(helper);
  }
  return used;
}

/**
 * Returns the functions of a path: one makes its URL, the other connects to it.
 *
 * @param name the name of the channel's types
 */
export function connectFunctions(
  name: string,
  { address, title, description, parameters = {} }: ContractChannel,
): string {
  const names = Object.keys(parameters);
  const members = names.map((parameter) => `${propertyName(parameter)}: string`).join('; ');
  const base = names.length === 0 ? 'base: string' : `base: string, params: { ${members} }`;
  const given = names.length === 0 ? 'base' : 'base, params';
  const url = `${name.replace(/^./u, (letter) => letter.toLowerCase())}Url`;
  return [
    docComment(`The URL of ${address}, below the URL of its server. In a page, \`base\` may be empty.`),
    `export function ${url}(${base}): string {\n`,
    `  return origin(base) + ${pathExpression(address, parameters)};\n}\n\n`,
    docComment(`Connects to ${address}: ${title}`, description),
    `export function connect${name}(\n`,
    `  ${base.replace(', ', ',\n  ')},\n`,
    `  options?: ClientOptions,\n): ClientSocket<${name}Listens, ${name}Emits> {\n`,
    `  return connect<${name}Listens, ${name}Emits>(${url}(${given}), options);\n}\n`,
  ].join('');
}

/** Returns the expression of a path with its parameters. */
function pathExpression(
  address: string,
  parameters: Readonly<Record<string, { readonly description?: string }>>,
): string {
  const parts: string[] = [];
  let rest = address;
  while (rest !== '') {
    const found = Object.keys(parameters)
      .map((name) => ({ name, index: rest.indexOf(`{${name}}`) }))
      .filter(({ index }) => index !== -1)
      .sort((a, b) => a.index - b.index)[0];
    const text = found === undefined ? rest : rest.slice(0, found.index);
    if (text !== '') parts.push(quote(text));
    if (found === undefined) break;
    const { description = '' } = parameters[found.name]!;
    const property = propertyName(found.name);
    const value = property === found.name ? `params.${property}` : `params[${property}]`;
    parts.push(`${helperOf(description)}(${value})`);
    rest = rest.slice(found.index + found.name.length + 2);
  }
  return parts.join(' + ');
}

function helperOf(description: string): string {
  if (description === PARAMETER_TEXTS.wildcard) return 'segments';
  return description.startsWith(PARAMETER_TEXTS.name) ? 'regExpName' : 'segment';
}
