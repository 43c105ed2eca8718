/** Where gateways are mounted: a port (0: the application's), a URL path, and for a RegExp namespace its rule. */
export interface Place {
  readonly port: number;
  readonly path: string;
  readonly expression?: RegExp | undefined;
}

/** One text per place, for logs and as a key: `/ws`, `:3005/ws`, `/ws/^\/room-\d+$/`. */
export function showPlace({ port, path, expression }: Place): string {
  const base = path === '/' && expression !== undefined ? '' : path;
  return `${port === 0 ? '' : `:${port}`}${base}${expression === undefined ? '' : String(expression)}`;
}
