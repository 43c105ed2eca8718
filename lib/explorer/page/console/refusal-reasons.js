/** Refusals in a second from which an address stands out. */
export const MANY_REFUSALS = 10;

/** Returns who was refused. */
export function refusedLabel({ address, isShared }) {
  if (address === '') return 'not known';
  return isShared ? `${address}, a proxy for many clients` : address;
}

/** What the reasons of refused upgrades mean. */
const REASONS = {
  origin: 'a page of a foreign origin',
  guard: 'a guard',
  verifyClient: 'the option verifyClient',
  allowRequest: 'the option allowRequest',
  path: 'no gateway on this path',
  handshake: 'no valid WebSocket handshake',
  expired: 'the token expired meanwhile',
  blocked: 'an operator blocked the address or user',
  draining: 'the node drains',
  closing: 'the node closes',
  upgradeTimeout: 'a slow guard or check (upgradeTimeout)',
};

/** What their statuses mean, without a reason, such as those of a node of an earlier version. */
const STATUSES = {
  400: 'no valid handshake',
  401: 'not signed in',
  403: 'a guard, or a foreign origin',
  404: 'no gateway on this path',
  429: 'blocked, or too many connections of one address',
  500: 'a guard or a check failed',
  503: 'a limit, a slow guard, draining, or shutting down',
};

/** Returns what a refusal means. @param name a status, and a reason if it is known: `403 origin` */
export function refusalLabel(name) {
  const [status, why] = name.split(' ');
  // without one in the lists: the name of a limit
  const means = why === undefined ? STATUSES[status] : (REASONS[why] ?? `the limit ${why}`);
  return means === undefined ? name : `${status}: ${means}`;
}
