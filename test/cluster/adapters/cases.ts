import type { Received } from '../../support/client.js';
import type { Backend, Difference } from '../../support/cluster/backend.js';
import type { Cluster, Member } from '../../support/cluster/cluster.js';

/** One part of the suite. Its tests run on a started cluster. */
export type Cases = (cluster: Cluster, backend: Backend) => void;

/** Returns an `it` that skips tests that a backend by its nature does not pass, with the reason in the name. */
export function unless({ differs }: Backend) {
  return (difference: Difference, name: string, test: () => Promise<void>): void => {
    const reason = differs?.[difference];
    if (reason === undefined) it(name, test);
    else it.skip(`${name} (${reason})`, test);
  };
}

/** Lets the client answer its next request of this event. */
export async function answer({ client }: Member, event: string, data: unknown): Promise<Received> {
  const request = await client.next(event);
  client.send({ ack: request.id, data });
  return request;
}

/** Returns the error of a rejected request. */
export async function failureOf(request: Promise<unknown>): Promise<Error & { responses?: unknown }> {
  const outcome = await request.then(
    (value) => ({ value }),
    (error: Error) => ({ error }),
  );
  if ('value' in outcome) throw new Error(`it resolved with ${JSON.stringify(outcome.value)}`);
  return outcome.error;
}

/** Returns a new name for a room or an event, so that no test meets anything of an earlier one. */
let count = 0;
export function uniqueName(name: string): string {
  return `${name}_${++count}`;
}

/** Returns the ids in a comparable order. */
export function idsOf(sockets: readonly { id: string }[]): string[] {
  return sockets.map(({ id }) => id).sort();
}
