import type { BroadcastOptions } from 'socket.io-adapter';
import { catchRejection } from '../util/safe-call.js';
import type { EmitFlags, EventPacket, Namespace } from './adapter-types.js';
import { TimeoutError } from '../../protocol/timeout-error.js';

/** How long a room-wide request waits, in milliseconds, where no `timeout` was given. */
const DEFAULT_TIMEOUT = 5_000;

/**
 * Asks every socket of a target and calls back once: with all answers, or after the timeout with an error and
 * those that came.
 */
export function askMany(
  nsp: Namespace,
  packet: EventPacket,
  options: BroadcastOptions & { flags: EmitFlags },
  callback: (error: Error | null, answers: unknown) => void,
): void {
  const answers: unknown[] = [];
  const single = options.flags.expectSingleResponse === true;
  let over = false;
  let nodes = -1;
  let nodesAsked = 0;
  let clientsAsked = 0;
  options.flags.timeout ??= DEFAULT_TIMEOUT;

  const finish = (error: Error | null): void => {
    over = true;
    clearTimeout(timer);
    // those that never answer would stay in their sockets' tables
    if (error !== null) for (const socket of nsp.sockets.values()) socket.acks.delete(packet.id!);
    callback(error, single ? (answers[0] ?? null) : answers);
  };
  const check = (): void => {
    if (!over && nodesAsked === nodes && answers.length >= clientsAsked) finish(null);
  };

  const sent: unknown = nsp.adapter.broadcastWithAck(
    packet,
    options,
    (clients) => {
      nodesAsked++;
      clientsAsked += clients;
      check();
    },
    (answer: unknown) => {
      if (over) return;
      answers.push(answer);
      check();
    },
  );
  catchRejection(sent, (error) => nsp._report(error, 'the cluster adapter failed'));
  // after the broadcast, which throws where the data is no JSON; not a reason to keep a process alive
  const timer = setTimeout(() => finish(new TimeoutError()), options.flags.timeout);
  timer.unref();
  nsp.adapter.serverCount().then(
    (count) => {
      // a request that is kept to this node has nobody else to wait for
      nodes = options.flags.local === true ? 1 : count;
      check();
    },
    () => undefined, // the broker is away: the timeout answers
  );
}
