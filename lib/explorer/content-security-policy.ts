import type { Contract } from '../contract/index.js';

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
 * Lets the page load its own files, and talk to its own origin and to the ports that gateways have for themselves. By what
 * host the page is reached only the browser knows, so those ports are any host's: nothing that the page shows could send
 * anything to another one, whatever it is.
 */
export function contentSecurityPolicy(contract: Pick<Contract, 'servers'> | undefined): string {
  const ports = Object.entries(contract?.servers ?? {})
    .filter(([name]) => /^port-\d+$/.test(name))
    .flatMap(([, { host }]) => sourcesOf(host));
  return [...POLICY, ["connect-src 'self'", ...ports].join(' ')].join('; ');
}

/** `localhost` is whatever host the page was loaded from. */
function sourcesOf(host: string): string[] {
  const [, name, port] = /^([\w.-]+)(:\d+)?$/.exec(host) ?? [];
  if (name === undefined) return [];
  const source = (name === 'localhost' ? '*' : name) + (port ?? '');
  return [`ws://${source}`, `wss://${source}`];
}
