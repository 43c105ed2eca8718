import type { INestApplicationContext } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import type { EnvelopeOptions, PathOptions } from '../options/options.js';
import type { Audited } from '../../server/diagnostics/audit.js';
import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { BlockEntry, BlockSubject } from '../../server/upgrade/block-list.js';
import type { HttpRefusal } from '../../server/upgrade/http-refusal.js';

/** The members of `EnvelopeAdapter` that other entries use. They do not import the class; only the main entry does. */
export interface KnownAdapter {
  /** The options of the constructor and of `EnvelopeModule`, without defaults. */
  readonly _options: EnvelopeOptions;
  /** What operators do on this node. */
  readonly operations: KnownOperations;
  /** Returns the servers that clients can connect to. */
  _servers(): readonly EnvelopeServer[];
  /** Logs what an operator did, and publishes it on the diagnostics channel `audit`. */
  _audit(done: Audited): void;
  /** Mounts a path of this package itself. See `MountedServers.mountOwn`. */
  _mountOwn(path: string, options: PathOptions, guard: OwnGuard): EnvelopeServer;
}

/** The members of `EnvelopeOperations` that other entries use. */
export interface KnownOperations {
  readonly isDraining: boolean;
  /** The blocks that have not ended, as this node knows them. */
  readonly _blocks: readonly BlockEntry[];
  /** Disconnects a user on all paths and nodes. The caller records it for the audit. */
  _disconnectUser(name: string): void;
  /** Blocks a subject for some milliseconds, on all nodes. The caller records it for the audit. */
  _block(subject: BlockSubject, duration: number, given: Pick<BlockEntry, 'by' | 'reason'>): void;
  /** Ends a block, on all nodes. The caller records it for the audit. @returns whether this node knew the block */
  _unblock(subject: BlockSubject, by: string | undefined): boolean;
}

/** Decides who may connect; resolves with the refusal, or with `undefined`. */
export type OwnGuard = (client: EnvelopeSocket) => Promise<HttpRefusal | undefined>;

/** Returns Nest's configuration of the application, which has the global guards and the adapter. */
export function configOf(app: INestApplicationContext): ApplicationConfig | undefined {
  return Reflect.get(app, 'config') as ApplicationConfig | undefined;
}

/** Returns the application's `EnvelopeAdapter`; `undefined` if it has no adapter yet, or another one. */
export function findAdapter(app: INestApplicationContext): KnownAdapter | undefined {
  const adapter: object | null | undefined = configOf(app)?.getIoAdapter();
  return adapter && '_servers' in adapter ? (adapter as KnownAdapter) : undefined;
}
