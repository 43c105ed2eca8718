import { match } from 'path-to-regexp';

/** The values of a path's `:params`. */
export type Params = Readonly<Record<string, string>>;

/** Of a path without any: one object for all connections. */
export const NO_PARAMS: Params = Object.freeze({});

const PLAIN_PATH = /^(?:\/|(?:\/[\w.~-]+)+)$/;

/** `chat/`, `/chat` and `//chat` are one path; nothing is `/`. */
export function normalisePath(...parts: (string | undefined)[]): string {
  const joined = parts.map((part) => part ?? '').join('/');
  return `/${joined.split('/').filter(Boolean).join('/')}`;
}

/**
 * The path of a request target, without its query; `undefined` where it is none (RFC 9112, section 3.2.1). What has no
 * place in a URL is percent-encoded, as browsers do: a path names a server, and so what its adapter asks of a broker.
 */
export function pathOf(target: string | undefined): string | undefined {
  if (target === undefined || !target.startsWith('/')) return undefined;
  // most are as they should be
  if (PLAIN_PATH.test(target)) return target;
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  return normalisePath(path.replace(/["<>\\^`{}]/g, (char) => encodeURIComponent(char)));
}

/** Whether a path has `:params` or wildcards, in the language of Nest's routes. */
export function isPattern(path: string): boolean {
  return /[:*{]/.test(path);
}

/**
 * Compiles a path with `:params`.
 *
 * @throws Error that names the path where it is malformed
 */
export function compilePath(path: string): (concrete: string) => Params | undefined {
  let test: ReturnType<typeof match>;
  try {
    test = match(path);
  } catch (error) {
    throw new Error(`The gateway path "${path}" is not valid: ${(error as Error).message}`, { cause: error });
  }
  return (concrete) => {
    try {
      const found = test(concrete);
      if (found === false) return undefined;
      return Object.fromEntries(
        // a wildcard's value is its segments
        Object.entries(found.params).map(([name, value = '']) => [name, [value].flat().join('/')]),
      );
    } catch {
      return undefined; // a percent-encoding that decodes to nothing matches nothing
    }
  };
}
