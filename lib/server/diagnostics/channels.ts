import { channel, subscribe, unsubscribe, type Channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { refuse } from '../../protocol/refuse.js';
import { assertFunction } from '../util/arguments.js';
import type { Audited, AuditRecord } from './audit.js';
import type { ClusterStatus } from './types.js';
import type { ClosedInfo, DisconnectReason } from '../transport/disconnect-reason.js';
import type { HandlerTrace } from './handler-trace.js';
import type { MountedServer, ObservedServer, ObservedSocket } from './types.js';

/** An event to clients. A subscriber may set `meta`, which the message then carries. */
interface Sent {
  readonly event: string;
  meta?: object | undefined;
}

/** The messages of the package's diagnostics channels, by the channel's name without the prefix `nestjs-envelope.`. */
export interface EnvelopeDiagnostics {
  /** A server was created, before its first client. A RegExp namespace creates and removes servers at run time. */
  mount: { readonly server: MountedServer };
  /** A server was removed. */
  unmount: { readonly server: MountedServer };
  /** A client connected: it passed the middlewares, and `handleConnection` runs next. */
  connect: { readonly socket: ObservedSocket };
  /** A connected client disconnected. */
  disconnect: {
    readonly socket: ObservedSocket;
    readonly reason: DisconnectReason;
    readonly closed: ClosedInfo;
  };
  /** An upgrade was refused with an HTTP response. */
  'upgrade.refuse': {
    readonly request: IncomingMessage;
    readonly status: number;
    readonly why: RefusalReason | undefined;
    /**
     * The address that limits count the client by, as `trustProxy` finds it: of IPv6 its /64 network. `undefined` if the connection
     * has none, or if the `trustProxy` function threw.
     */
    readonly address: string | undefined;
    /** Whether `address` is that of a proxy which does not name its clients, or is not trusted: all of them have it. */
    readonly isShared: boolean;
  };
  /** A message was received, valid or not. */
  message: { readonly socket: ObservedSocket; readonly bytes: number };
  /** A message was refused; PROTOCOL.md lists the values of `code`. */
  'message.refuse': { readonly socket: ObservedSocket; readonly code: string };
  /** An event is about to be handled. The two channels below publish the same object. */
  'handler.start': HandlerTrace;
  /** All handlers of an event have ended. */
  'handler.end': HandlerTrace;
  /** A handler threw, or the response to its message was an exception. */
  'handler.error': HandlerTrace;
  /** `client.emit` or `client.emitWithAck` was called. Return values of handlers are not published. */
  emit: Sent & { readonly socket: ObservedSocket };
  /** An event was sent to rooms or to all clients. Only the node that sends it publishes this. */
  broadcast: Sent & {
    readonly server: ObservedServer;
    readonly rooms: ReadonlySet<string>;
    readonly except: ReadonlySet<string>;
  };
  /** A message was dropped: it was volatile and the connection took no more data, or the client reads too slowly. */
  drop: { readonly socket: ObservedSocket; readonly why: 'volatile' | 'maxBufferedBytes' };
  /**
   * A limit was reached; `limit` is the option's name. `socket` is absent before a client exists, at the upgrade. A
   * message that is nested too deeply, or whose event name is too long, is published as `message.refuse` only.
   */
  limit: { readonly limit: string; readonly socket?: ObservedSocket };
  /** The connection to the broker of a cluster was lost or restored. */
  cluster: { readonly status: ClusterStatus; readonly before: ClusterStatus; readonly cause: unknown };
  /** An operator did something: by `EnvelopeOperations`, or in the explorer's console. */
  audit: AuditRecord;
}

/**
 * Why an upgrade was refused: the origin of the page, a guard, an option with a check of the application, no gateway on the path, a
 * malformed handshake, a token that expired meanwhile, a block or a drain by an operator, a server that closes, or the name of
 * the limit that was reached. `undefined` on the channel: a check failed, or the transport itself refused.
 */
export type RefusalReason =
  | 'origin'
  | 'guard'
  | 'verifyClient'
  | 'allowRequest'
  | 'path'
  | 'handshake'
  | 'expired'
  | 'blocked'
  | 'draining'
  | 'closing'
  | 'maxConnections'
  | 'maxConnectionsPerAddress'
  | 'maxPendingUpgrades'
  | 'upgradeTimeout';

type Name = keyof EnvelopeDiagnostics;

/** A diagnostics channel with a typed message. */
interface TypedChannel<Message> extends Channel {
  publish(message: Message): void;
}

const PREFIX = 'nestjs-envelope.';

function open<Of extends Name>(name: Of): TypedChannel<EnvelopeDiagnostics[Of]> {
  return channel(PREFIX + name) as TypedChannel<EnvelopeDiagnostics[Of]>;
}

/**
 * All channels. Check `hasSubscribers` before you create a message, so that a channel without subscribers costs one
 * comparison.
 */
export const channels = {
  mount: open('mount'),
  unmount: open('unmount'),
  connect: open('connect'),
  disconnect: open('disconnect'),
  upgradeRefuse: open('upgrade.refuse'),
  message: open('message'),
  messageRefuse: open('message.refuse'),
  handlerStart: open('handler.start'),
  handlerEnd: open('handler.end'),
  handlerError: open('handler.error'),
  emit: open('emit'),
  broadcast: open('broadcast'),
  drop: open('drop'),
  limit: open('limit'),
  cluster: open('cluster'),
  audit: open('audit'),
} as const;

/** Publishes on the channel `limit` that a limit was reached. */
export function publishLimit(limit: string, socket?: ObservedSocket): void {
  if (channels.limit.hasSubscribers) channels.limit.publish({ limit, ...(socket && { socket }) });
}

/** Publishes an action on the channel `audit`. @returns the record */
export function publishAudit({ action, by, path, target, details = {} }: Audited): AuditRecord {
  const record: AuditRecord = { action, by, at: Date.now(), path, target, details };
  if (channels.audit.hasSubscribers) channels.audit.publish(record);
  return record;
}

/**
 * Subscribes to a diagnostics channel, which publishes the events of all adapters in this process. It is a typed form
 * of Node's `diagnostics_channel.subscribe('nestjs-envelope.…')`. The listener is called synchronously. What it throws
 * becomes an uncaught exception, as usual for such channels.
 *
 * @returns a function that unsubscribes
 * @throws TypeError on an unknown name, or without a listener
 * @example
 * const stop = observe('limit', ({ limit, socket }) => metrics.count(limit, socket?.ip));
 */
export function observe<Of extends Name>(
  name: Of,
  listener: (message: EnvelopeDiagnostics[Of]) => void,
): () => void {
  const names: readonly unknown[] = Object.values(channels).map((known) =>
    String(known.name).slice(PREFIX.length),
  );
  if (!names.includes(name)) refuse('observe', 'name', name, `one of ${names.join(', ')}`);
  assertFunction('observe', 'listener', listener);
  // a new function per call, so that the same listener can be subscribed twice
  const subscriber = (message: unknown): void => listener(message as EnvelopeDiagnostics[Of]);
  subscribe(PREFIX + name, subscriber);
  return () => void unsubscribe(PREFIX + name, subscriber);
}
