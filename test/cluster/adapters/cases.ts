import type { Received } from '../../support/client.js';
import type { Backend, Difference } from '../../support/cluster/backend.js';
import type { Cluster, Member } from '../../support/cluster/cluster.js';

/** One part of the suite: its tests run on a cluster that has started. */
export type Cases = (cluster: Cluster, backend: Backend) => void;

/** A test that a backend by its nature does not pass is left out, and says why. */
export function unless({ differs }: Backend) {
  return (difference: Difference, name: string, test: () => Promise<void>): void => {
    const reason = differs?.[difference];
    if (reason === undefined) it(name, test);
    else it.skip(`${name} (${reason})`, test);
  };
}

/** The client answers the next request of that event. */
export async function answer({ client }: Member, event: string, data: unknown): Promise<Received> {
  const request = await client.next(event);
  client.send({ ack: request.id, data });
  return request;
}

/** What a request rejected with. */
export async function failureOf(request: Promise<unknown>): Promise<Error & { responses?: unknown }> {
  const outcome = await request.then(
    (value) => ({ value }),
    (error: Error) => ({ error }),
  );
  if ('value' in outcome) throw new Error(`it did not fail, but gave ${JSON.stringify(outcome.value)}`);
  return outcome.error;
}

/** So many rooms and events are new in every test: nothing of an earlier one is there. */
let count = 0;
export function fresh(name: string): string {
  return `${name}_${++count}`;
}

/** Ids in an order that tests can compare. */
export function idsOf(sockets: readonly { id: string }[]): string[] {
  return sockets.map(({ id }) => id).sort();
}
