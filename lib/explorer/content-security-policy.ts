/** What the explorer itself reads of an AsyncAPI document; the rest is the page's. */
export interface ExplorableContract {
  readonly asyncapi: string;
  readonly servers?: Readonly<Record<string, unknown>>;
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

/**
 * Lets the page load its own files, and talk to its own origin and to the servers of the contract: nothing that it
 * shows could send anything anywhere else, whatever it is.
 */
export function contentSecurityPolicy(contract: ExplorableContract | undefined): string {
  const servers = Object.values(contract?.servers ?? {}).flatMap(sourcesOf);
  return [...POLICY, ["connect-src 'self'", ...new Set(servers)].join(' ')].join('; ');
}

/** A gateway on a port of its own is on whatever host the page was loaded from. */
function sourcesOf(server: unknown): string[] {
  const { host } = Object(server) as { host?: unknown };
  if (typeof host !== 'string') return [];
  const [, name, port] = /^([\w.-]+)(:\d+)?$/.exec(host) ?? [];
  if (name === undefined) return [];
  const source = (name === 'localhost' ? '*' : name) + (port ?? '');
  return [`ws://${source}`, `wss://${source}`];
}
