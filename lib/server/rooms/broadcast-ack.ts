import type { BroadcastOptions } from 'socket.io-adapter';
import { catchRejection } from '../util/safe-call.js';
import type { EmitFlags, EventPacket, Namespace } from './adapter-types.js';
import { TimeoutError } from '../../protocol/timeout-error.js';

/** The default timeout of a broadcast request, in milliseconds. */
const DEFAULT_TIMEOUT = 5_000;

/**
 * Sends a request to every socket of a target and calls back once: with all responses, or after the timeout with an
 * error and the responses received so far.
 */
export function broadcastRequest(
  nsp: Namespace,
  packet: EventPacket,
  options: BroadcastOptions & { flags: EmitFlags },
  callback: (error: Error | null, responses: unknown) => void,
): void {
  const responses: unknown[] = [];
  const single = options.flags.expectSingleResponse === true;
  let isOver = false;
  let nodes = -1;
  let nodesAsked = 0;
  let clientsAsked = 0;
  options.flags.timeout ??= DEFAULT_TIMEOUT;

  const finish = (error: Error | null): void => {
    isOver = true;
    clearTimeout(timer);
    // otherwise the tables of sockets that never respond would keep these callbacks
    if (error !== null) for (const socket of nsp.sockets.values()) socket.acks.delete(packet.id!);
    callback(error, single ? (responses[0] ?? null) : responses);
  };
  const check = (): void => {
    if (!isOver && nodesAsked === nodes && responses.length >= clientsAsked) finish(null);
  };

  const sent: unknown = nsp.adapter.broadcastWithAck(
    packet,
    options,
    (clients) => {
      nodesAsked++;
      clientsAsked += clients;
      check();
    },
    (response: unknown) => {
      if (isOver) return;
      responses.push(response);
      check();
    },
  );
  catchRejection(sent, (error) => nsp._report(error, 'the cluster adapter failed'));
  // set after the broadcast, which throws if JSON cannot carry the data; unref'd, so that it does not keep the process
  // alive
  const timer = setTimeout(() => finish(new TimeoutError()), options.flags.timeout);
  timer.unref();
  nsp.adapter.serverCount().then(
    (count) => {
      // a local request waits for this node only
      nodes = options.flags.local === true ? 1 : count;
      check();
    },
    () => undefined, // the broker does not answer: the timeout ends the request
  );
}
