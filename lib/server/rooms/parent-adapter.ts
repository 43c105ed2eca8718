import type { Adapter, BroadcastOptions, Room } from 'socket.io-adapter';
import type { AdapterMaker, Walk } from './adapter-factory.js';
import { withCode } from '../../protocol/with-code.js';

/** Nobody is ever in it. */
const NOWHERE: Room = '$nowhere';
const COMMANDS = ['broadcast', 'addSockets', 'delSockets', 'disconnectSockets', 'fetchSockets'] as const;

/**
 * The rooms of a RegExp namespace: whatever is done to it is done to each of its children, on every node. It has the
 * same adapter as they, which finds the sockets of this node in theirs.
 */
export function parentAdapter(
  children: () => Iterable<{ readonly adapter: Adapter }>,
  make: AdapterMaker,
): AdapterMaker {
  const walk: Walk = (options, callback) => {
    for (const { adapter } of children()) (adapter as unknown as { apply: Walk }).apply(options, callback);
  };
  return (nsp) => {
    const adapter = make(nsp, walk);
    // one room has a channel of its own in Redis' adapters, which only the nodes of its members listen to
    for (const command of COMMANDS) {
      const original = adapter[command].bind(adapter) as (...args: unknown[]) => unknown;
      Reflect.set(adapter, command, (...args: unknown[]): unknown =>
        original(...args.map((argument) => (isTarget(argument) ? widened(argument) : argument))),
      );
    }
    return Object.assign(adapter, {
      broadcastWithAck(): never {
        throw withCode(
          'ERR_ENVELOPE_UNSUPPORTED',
          new Error(
            'a RegExp namespace cannot be asked as a whole: ask its namespaces, server.of(path), one by one',
          ),
        );
      },
    });
  };
}

function isTarget(argument: unknown): argument is BroadcastOptions {
  return typeof argument === 'object' && argument !== null && 'rooms' in argument;
}

function widened(target: BroadcastOptions): BroadcastOptions {
  return target.rooms.size === 1 ? { ...target, rooms: new Set([...target.rooms, NOWHERE]) } : target;
}
