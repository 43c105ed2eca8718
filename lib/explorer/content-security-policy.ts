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
 * Returns the Content Security Policy of the page. The page may load its own files, and connect to its own origin and to ports that
 * gateways set. Only the browser knows the host of the page, so those ports are allowed on any host. That is safe: no script from a
 * contract or a message runs on the page, so none can connect to another host.
 */
export function contentSecurityPolicy(contract: Pick<Contract, 'servers'> | undefined): string {
  const ports = Object.entries(contract?.servers ?? {})
    .filter(([name]) => /^port-\d+$/.test(name))
    .flatMap(([, { host }]) => sourcesOf(host));
  return [...POLICY, ["connect-src 'self'", ...ports].join(' ')].join('; ');
}

/** Returns the sources of a server. `localhost` in a contract stands for the host of the page. */
function sourcesOf(host: string): string[] {
  const [, name, port] = /^([\w.-]+)(:\d+)?$/.exec(host) ?? [];
  if (name === undefined) return [];
  const source = (name === 'localhost' ? '*' : name) + (port ?? '');
  return [`ws://${source}`, `wss://${source}`];
}
