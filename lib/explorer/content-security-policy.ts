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
 * Lets the page load its own files, and talk to its own origin and to gateways on ports of their own: nothing that it
 * shows could send anything anywhere else, whatever it is.
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
