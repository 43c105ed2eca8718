import { parse, type Token } from 'path-to-regexp';
import { compilePath, isPattern } from '../server/upgrade/path-pattern.js';
import type { MountPoint } from '../server/upgrade/mount-point.js';

/** A path as AsyncAPI writes it. */
export interface Address {
  /** `/rooms/{room}` */
  readonly address: string;
  readonly parameters: Readonly<Record<string, { readonly description?: string }>>;
  /** What the address alone cannot say. */
  readonly description?: string;
}

/** @throws Error that names the path where its pattern is malformed */
export function addressOf({ path, expression }: MountPoint): Address {
  if (expression !== undefined) {
    const description = `What matches \`${String(expression)}\`, without its leading /.`;
    const base = path === '/' ? '' : path;
    return {
      address: `${base}/{name}`,
      parameters: { name: { description } },
      description: `Each path${base && ` below \`${base}\``} that matches \`${String(expression)}\` is a namespace of its own.`,
    };
  }
  if (!isPattern(path)) return { address: path, parameters: {} };
  compilePath(path);
  const parameters: Record<string, { description?: string }> = {};
  const write = (tokens: readonly Token[]): string =>
    tokens
      .map((token) => {
        if (token.type === 'text') return token.value;
        if (token.type === 'group') return write(token.tokens);
        parameters[token.name] = token.type === 'wildcard' ? { description: 'One segment or more.' } : {};
        return `{${token.name}}`;
      })
      .join('');
  const address = write(parse(path).tokens);
  const description = `The path in the language of Nest's routes: \`${path}\`.`;
  // groups and wildcards have no like in an address
  return /[*{]/.test(path) ? { address, parameters, description } : { address, parameters };
}
