/** Where gateways are mounted: a port (0: the application's), a URL path, and for a RegExp namespace its rule. */
export interface MountPoint {
  readonly port: number;
  readonly path: string;
  readonly expression?: RegExp | undefined;
}

/**
 * One text per place, for logs, figures and as a key: `/ws`, `:3005/ws`, `/ws/<room-\d+>` of the RegExp `/^\/room-\d+$/`. No
 * path of a client has angle brackets.
 */
export function showMountPoint({ port, path, expression }: MountPoint): string {
  const base = path === '/' && expression !== undefined ? '' : path;
  return `${port === 0 ? '' : `:${port}`}${base}${expression === undefined ? '' : `/<${showExpression(expression)}>`}`;
}

/** As a path where it is one from `^` to `$`, else as it is. */
function showExpression(expression: RegExp): string {
  const { source, flags } = expression;
  const inner = /^\^\\\/(.+)\$$/s.exec(source)?.[1]?.replaceAll('\\/', '/');
  // g and y do not change what it matches here
  const isPlain = /^[dgy]*$/.test(flags) && inner !== undefined && !/(?<!\[)\^|\$|\\$/.test(inner);
  return isPlain ? inner : String(expression);
}
