import { clock, plural } from './format.js';
import { MANY_REFUSALS, refusedLabel } from './refusal-reasons.js';
import { routeTo } from './route.js';

/** The share of time from which an event loop counts as overloaded. */
const OVERLOADED = 0.9;

/**
 * Returns what somebody must know, the worst first.
 *
 * @param refused the address that is refused most often at present; `undefined`: none
 * @returns rows `{ key, text, isBad, href }`; `text` changes only if the problem does, not with each overview
 */
export function problemsOf({ nodes, namespaces, unknown }, refused) {
  const problems = [];
  for (const { id, name, state, seenAt } of nodes)
    if (state === 'silent')
      problems.push({
        key: `silent ${id}`,
        isBad: true,
        text: `${name} has not answered since ${clock(seenAt)}. Its connections are missing in all figures and lists.`,
      });
  const live = nodes.filter(({ state }) => state === 'live');
  for (const { id, name, broker } of live)
    if (broker.state === 'away')
      problems.push({
        key: `away ${id}`,
        isBad: true,
        text: `${name} has no connection to the broker since ${clock(broker.since)}. Broadcasts reach its own clients only.`,
      });
  for (const { id, name, isDraining } of live)
    if (isDraining)
      problems.push({
        key: `draining ${id}`,
        text: `${name} drains: it refuses new clients, and sends its own to other nodes.`,
      });
  if (refused?.rate >= MANY_REFUSALS)
    problems.push({
      key: 'refused',
      text: `Requests to connect are refused more than ${MANY_REFUSALS} times a second. Address: ${refusedLabel(refused)}.`,
      href: routeTo('refused'),
    });
  const blocks = Math.max(0, ...live.map((node) => node.blocks));
  if (blocks > 0)
    problems.push({
      key: 'blocks',
      text: `${plural(blocks, 'address or user is', 'addresses or users are')} blocked for a time.`,
      href: routeTo('blocks'),
    });
  if (unknown > 0)
    problems.push({
      key: 'unknown',
      text: `The broker counts ${plural(unknown, 'further node')} without an answer: stopped a short time ago, or without this console.`,
    });
  for (const { id, name, load } of live)
    if (load >= OVERLOADED)
      problems.push({
        key: `busy ${id}`,
        text: `${name} is overloaded: its event loop is hardly ever idle.`,
      });
  const slow = namespaces.reduce((sum, namespace) => sum + namespace.slow, 0);
  if (slow > 0)
    problems.push({
      key: 'slow',
      text: `${plural(slow, 'connection reads', 'connections read')} slowly: more than 64 KiB wait for each.`,
      href: routeTo('connections', [], { order: 'buffered' }),
    });
  return problems;
}
