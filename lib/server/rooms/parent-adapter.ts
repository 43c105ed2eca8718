import type { Adapter, BroadcastOptions, Room } from 'socket.io-adapter';
import type { CreateAdapter } from './adapter-factory.js';
import type { ForEachSocket } from './target.js';
import { withCode } from '../../protocol/with-code.js';

/** A room without members. */
const EMPTY_ROOM: Room = '$nowhere';
const COMMANDS = ['broadcast', 'addSockets', 'delSockets', 'disconnectSockets', 'fetchSockets'] as const;

const parents = new WeakSet<Adapter>();

/** Whether an adapter is that of a RegExp namespace. */
export function isParentAdapter(adapter: Adapter): boolean {
  return parents.has(adapter);
}

/**
 * Returns a function that creates the adapter of a RegExp namespace. Its commands apply to all children of the
 * namespace, on every node. It is an adapter of the same kind as theirs, and finds the sockets of this node in their
 * adapters.
 */
export function parentAdapter(
  children: () => Iterable<{ readonly adapter: Adapter }>,
  create: CreateAdapter,
): CreateAdapter {
  const forEachSocket: ForEachSocket = (options, callback) => {
    for (const { adapter } of children())
      (adapter as unknown as { apply: ForEachSocket }).apply(options, callback);
  };
  return (nsp) => {
    const adapter = create(nsp, forEachSocket);
    parents.add(adapter);
    // Redis adapters send a command for a single room over a channel of that room. Only nodes whose adapter has members
    // of the room receive it, and this adapter never has members.
    for (const command of COMMANDS) {
      const original = adapter[command].bind(adapter) as (...args: unknown[]) => unknown;
      Reflect.set(adapter, command, (...args: unknown[]): unknown =>
        original(...args.map((argument) => (isTarget(argument) ? addEmptyRoom(argument) : argument))),
      );
    }
    return Object.assign(adapter, {
      broadcastWithAck(): never {
        throw withCode(
          'ERR_ENVELOPE_UNSUPPORTED',
          new Error(
            'a request to a whole RegExp namespace is not supported: send it to each of its namespaces, server.of(path)',
          ),
        );
      },
    });
  };
}

function isTarget(argument: unknown): argument is BroadcastOptions {
  return typeof argument === 'object' && argument !== null && 'rooms' in argument;
}

/** Adds a second room to a target of one room, which makes the adapter send the command to all nodes. */
function addEmptyRoom(target: BroadcastOptions): BroadcastOptions {
  return target.rooms.size === 1 ? { ...target, rooms: new Set([...target.rooms, EMPTY_ROOM]) } : target;
}
