import { parse, type Token } from 'path-to-regexp';
import { compilePath, isPattern } from '../server/upgrade/path-pattern.js';
import { PARAMETER_TEXTS } from './parameter-texts.js';
import type { MountPoint } from '../server/upgrade/mount-point.js';

/** The address of a channel, as AsyncAPI writes it. */
export interface Address {
  /** For example `/rooms/{room}`. */
  readonly address: string;
  readonly parameters: Readonly<Record<string, { readonly description?: string }>>;
  /** What the address alone does not express. */
  readonly description?: string;
}

/**
 * Returns the AsyncAPI address of a mount point.
 *
 * @throws Error that names the path, if its pattern is malformed
 */
export function addressOf({ path, expression }: MountPoint): Address {
  if (expression !== undefined) {
    const description = `${PARAMETER_TEXTS.name}\`${String(expression)}\`, without its leading /.`;
    const base = path === '/' ? '' : path;
    return {
      address: `${base}/{name}`,
      parameters: { name: { description } },
      description: `Each path${base && ` below \`${base}\``} that matches \`${String(expression)}\` is a separate namespace.`,
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
        parameters[token.name] = token.type === 'wildcard' ? { description: PARAMETER_TEXTS.wildcard } : {};
        return `{${token.name}}`;
      })
      .join('');
  const address = write(parse(path).tokens);
  const description = `The path in the syntax of Nest's routes: \`${path}\`.`;
  // AsyncAPI addresses have no groups and wildcards
  return /[*{]/.test(path) ? { address, parameters, description } : { address, parameters };
}
