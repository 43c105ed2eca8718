/**
 * The place where gateways are mounted: a port (0 for the application's), a URL path, and the RegExp of a RegExp
 * namespace.
 */
export interface MountPoint {
  readonly port: number;
  readonly path: string;
  readonly expression?: RegExp | undefined;
}

/**
 * Returns the unique name of a mount point, for logs, metrics and as a key: `/ws`, `:3005/ws`, or `/ws/<room-\d+>` for
 * the RegExp `/^\/room-\d+$/`. A client's path never contains angle brackets.
 */
export function mountPointName({ port, path, expression }: MountPoint): string {
  const base = path === '/' && expression !== undefined ? '' : path;
  return `${port === 0 ? '' : `:${port}`}${base}${expression === undefined ? '' : `/<${expressionText(expression)}>`}`;
}

/**
 * Returns a RegExp without its anchors and escaped slashes if it matches a whole path, otherwise as JavaScript prints
 * it.
 */
function expressionText(expression: RegExp): string {
  const { source, flags } = expression;
  const inner = /^\^\\\/(.+)\$$/s.exec(source)?.[1]?.replaceAll('\\/', '/');
  // g and y have no effect on the match here
  const isPlain = /^[dgy]*$/.test(flags) && inner !== undefined && !/(?<!\[)\^|\$|\\$/.test(inner);
  return isPlain ? inner : String(expression);
}
