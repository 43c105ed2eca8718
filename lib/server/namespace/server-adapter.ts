import type { Adapter, Room } from 'socket.io-adapter';
import { withCode } from '../../protocol/with-code.js';
import type { CreateAdapter } from '../rooms/adapter-factory.js';
import { leaveUserRoom } from '../rooms/user-room.js';
import type { Recovery, RecoverySettings } from '../recovery/types.js';
import { callSafely } from '../util/safe-call.js';

/** The part of a server's configuration that its adapter and its recovery are created from. */
interface AdapterConfig {
  readonly name: string;
  readonly services: {
    readonly adapter: CreateAdapter;
    readonly recovery?: RecoverySettings | undefined;
  };
  readonly parent?: { readonly adapter: Adapter };
}

/** A server that has its adapter. */
interface MountedServer {
  readonly adapter: Adapter;
  /** @internal */
  readonly _history: { close(): void } | undefined;
  /** @internal */
  _report(error: unknown, where: string): void;
}

/**
 * Creates the adapter of a server, and its recovery if the path has one. Sets `server.opts`, which adapters read.
 *
 * @throws what the constructor of the adapter throws, and Error if the path requires recovery, but the adapter stores
 * no messages
 */
export function createServerAdapter(
  server: { opts: Readonly<Record<string, unknown>> },
  { name, services, parent }: AdapterConfig,
): { adapter: Adapter; recovery: Recovery | undefined } {
  if (services.recovery !== undefined) {
    const { maxDisconnectionDuration } = services.recovery;
    server.opts = { connectionStateRecovery: { maxDisconnectionDuration } };
  }
  const adapter = services.adapter(server);
  const recovery = services.recovery?.of(adapter, name, parent?.adapter);
  // without recovery, adapters need not number the messages
  if (recovery === undefined) server.opts = {};
  return { adapter, recovery };
}

/** Starts the adapter of a server. Reports a failure: without its broker, a node still serves its clients. */
export function startAdapter(server: MountedServer): void {
  Promise.resolve(server.adapter.init()).catch((error: unknown) =>
    server._report(error, 'the adapter failed to start'),
  );
}

/** Closes the adapter of a server. Never rejects, so that a failed broker does not prevent the shutdown. */
export async function closeAdapter(server: MountedServer): Promise<void> {
  server._history?.close();
  try {
    await server.adapter.close();
  } catch (error) {
    server._report(error, 'the adapter failed to close');
  }
}

/** Removes a socket from its rooms, and from the room of its user. */
export function leaveAllRooms(
  server: MountedServer,
  { id, _userRoom: room }: { readonly id: string; readonly _userRoom: Room | undefined },
): void {
  const failed = (error: unknown): void => server._report(error, 'the adapter failed');
  if (room !== undefined) callSafely(() => leaveUserRoom(server.adapter, room, id), failed);
  callSafely(() => server.adapter.delAll(id), failed);
}

/** Throws the error for the use of a server that no adapter has mounted. */
export function throwNotMounted(): never {
  throw withCode(
    'ERR_ENVELOPE_NOT_MOUNTED',
    new Error(
      'EnvelopeServer was used before an EnvelopeAdapter mounted it: call app.useWebSocketAdapter(new EnvelopeAdapter(app)) first',
    ),
  );
}
