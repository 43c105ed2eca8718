import { channel, subscribe, unsubscribe, type Channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { refuse } from '../../protocol/refuse.js';
import { assertFunction } from '../util/arguments.js';
import type { ClusterStatus } from './types.js';
import type { ClosedInfo, DisconnectReason } from '../transport/disconnect-reason.js';
import type { HandlerTrace } from './handler-trace.js';
import type { MountedServer, ObservedServer, ObservedSocket } from './types.js';

/** What goes out to clients; whoever hears of it may set `meta`, which the frame then carries. */
interface Sent {
  readonly event: string;
  meta?: object | undefined;
}

/** What Node's diagnostics channels tell of the package, by the channel's name without `nestjs-envelope.`. */
export interface EnvelopeDiagnostics {
  /** A server is there, before its first client. Those of RegExp namespaces come and go. */
  mount: { readonly server: MountedServer };
  /** A server is gone. */
  unmount: { readonly server: MountedServer };
  /** A client is past the middlewares; `handleConnection` is still to run. */
  connect: { readonly socket: ObservedSocket };
  /** A client that had connected has gone. */
  disconnect: {
    readonly socket: ObservedSocket;
    readonly reason: DisconnectReason;
    readonly closed: ClosedInfo;
  };
  /** An upgrade was refused: the answer is that of HTTP. */
  'upgrade.refuse': { readonly request: IncomingMessage; readonly status: number };
  /** A message came in, whatever it is. */
  message: { readonly socket: ObservedSocket; readonly bytes: number };
  /** A message was refused; `code` is PROTOCOL.md's. */
  'message.refuse': { readonly socket: ObservedSocket; readonly code: string };
  /** An event goes to its handlers. The same object is told of in the two below. */
  'handler.start': HandlerTrace;
  /** All handlers of an event have come to an end. */
  'handler.end': HandlerTrace;
  /** A handler threw, or its message was answered with an exception. */
  'handler.error': HandlerTrace;
  /** `client.emit` and `client.emitWithAck`; not what handlers return. */
  emit: Sent & { readonly socket: ObservedSocket };
  /** One event to a room, or to everybody: told by the node that sends it. */
  broadcast: Sent & {
    readonly server: ObservedServer;
    readonly rooms: ReadonlySet<string>;
    readonly except: ReadonlySet<string>;
  };
  /** What was to go out was dropped: it was volatile and the line full, or the client reads too slowly. */
  drop: { readonly socket: ObservedSocket; readonly why: 'volatile' | 'maxBufferedBytes' };
  /**
   * A limit was hit; `limit` is the option's name. What is asked before there is a client names none. A message that is too
   * deep, or whose event's name is too long, is in `message.refuse` alone.
   */
  limit: { readonly limit: string; readonly socket?: ObservedSocket };
  /** The broker of a cluster went away, or is back. */
  cluster: { readonly status: ClusterStatus; readonly before: ClusterStatus; readonly cause: unknown };
}

type Name = keyof EnvelopeDiagnostics;

/** A channel that knows what it carries. */
interface Typed<Message> extends Channel {
  publish(message: Message): void;
}

const PREFIX = 'nestjs-envelope.';

function open<Of extends Name>(name: Of): Typed<EnvelopeDiagnostics[Of]> {
  return channel(PREFIX + name) as Typed<EnvelopeDiagnostics[Of]>;
}

/** A message is made only where `hasSubscribers`: what nobody listens to costs one look. */
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
} as const;

/** A limit was hit, for whoever listens. */
export function tellLimit(limit: string, socket?: ObservedSocket): void {
  if (channels.limit.hasSubscribers) channels.limit.publish({ limit, ...(socket && { socket }) });
}

/**
 * Hears of what happens in all adapters of this process: Node's `diagnostics_channel.subscribe('nestjs-envelope.…')`, typed.
 * A listener runs in the middle of things and at once; what it throws becomes an uncaught exception, as Node has it.
 *
 * @returns what ends it
 * @throws TypeError on a name that is none, or without a listener
 */
export function observe<Of extends Name>(
  name: Of,
  listener: (message: EnvelopeDiagnostics[Of]) => void,
): () => void {
  const names: readonly unknown[] = Object.values(channels).map((one) =>
    String(one.name).slice(PREFIX.length),
  );
  if (!names.includes(name)) refuse('observe', 'name', name, `one of ${names.join(', ')}`);
  assertFunction('observe', 'listener', listener);
  // one for each call: the same function may listen twice
  const heard = (message: unknown): void => listener(message as EnvelopeDiagnostics[Of]);
  subscribe(PREFIX + name, heard);
  return () => void unsubscribe(PREFIX + name, heard);
}
