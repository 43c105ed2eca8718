import { assertOptions, isRecordLike, refuse } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';
import type { Untyped } from '../../protocol/typed-events.js';
import { userText } from '../../server/handshake/user-name.js';
import { drainClients } from '../../server/namespace/drain.js';
import { addressKey } from '../../server/upgrade/client-address.js';
import { because, refusal } from '../../server/upgrade/http-refusal.js';
import { callSafely } from '../../server/util/safe-call.js';
import type { BlockEntry, BlockSubject } from '../../server/upgrade/block-list.js';
import type { LimitChanges, Limits, PathLimits } from '../options/limits.js';
import type { OperationsHost } from './operations-host.js';
import { SharedBlocks } from './shared-blocks.js';

/** Options of every operation. */
export interface OperatorOptions {
  /** Who does it, for the log and the channel `audit`: the name of a person or of a job. */
  by?: string;
}

/** Options of {@link EnvelopeOperations.drain}. */
export interface DrainOptions extends OperatorOptions {
  /** Clients that are asked to leave each second. Default 100. */
  perSecond?: number;
  /** What clients read: in the close frame, and in the answer to those that come meanwhile. Default: none in particular. */
  message?: string;
  /** Seconds after which refused clients may try again. Default 5. */
  retryAfter?: number;
}

/** Whom to block: all clients of an address, or all connections of a user. */
export type BlockTarget = { address: string; user?: never } | { user: Untyped; address?: never };

/** Options of {@link EnvelopeOperations.block}. */
export interface BlockOptions extends OperatorOptions {
  /** Milliseconds. */
  duration: number;
  /** Why, for the log and for {@link EnvelopeOperations.blocks}. Clients do not receive it. */
  reason?: string;
}

/** A block that has not ended. */
export interface Block {
  readonly address?: string;
  readonly user?: string;
  /** When it ends, in milliseconds since the epoch. */
  readonly until: number;
  readonly by: string | undefined;
  readonly reason: string | undefined;
}

/** A hundred years, in milliseconds. */
const MAX_DURATION = 100 * 366 * 86_400_000;
const TARGET = "{ address: '203.0.113.7' } or { user: 42 }";

/**
 * What an operator can do while the application runs. It is `adapter.operations`, and `EnvelopeModule` provides it:
 *
 *     constructor(private readonly operations: EnvelopeOperations) {}
 *
 * It checks no permissions: whoever calls it must. Each operation is logged, and published on the diagnostics channel `audit`.
 *
 * @example
 * adapter.operations.block({ user: '42' }, { duration: 3_600_000, by: 'ada', reason: 'spam' });
 */
export class EnvelopeOperations {
  private attached: { host: OperationsHost; blocks: SharedBlocks } | undefined;
  private draining: AbortController | undefined;

  /** @internal Connects the operations with their adapter. */
  _attach(host: OperationsHost): SharedBlocks {
    const blocks = new SharedBlocks(host.access.blocks, () => host.blockableClients());
    this.attached = { host, blocks };
    return blocks;
  }

  /** Whether this node drains. `EnvelopeHealthIndicator.isReady` of `nestjs-envelope/terminus` is then `down`. */
  get isDraining(): boolean {
    return this.draining !== undefined;
  }

  /**
   * Asks the clients of this node to leave, in portions: their connections are closed with 1001, and they connect again, to
   * another node if a load balancer sends them there. A client whose handler is running leaves when it has ended, within
   * `shutdownTimeout`. New clients are refused with 503. A second call changes the rate
   * and the message. Resolves when no client is left, or after {@link endDrain} or another call.
   *
   * @throws (rejects) TypeError if an option is unknown or invalid
   * @example await adapter.operations.drain({ perSecond: 200, by: 'ada' });
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    const where = 'EnvelopeOperations.drain';
    assertOptions(where, options, ['perSecond', 'message', 'retryAfter', 'by'], '{ perSecond: 100 }');
    const { perSecond = 100, message, retryAfter = 5, by } = options;
    if (!(perSecond > 0)) refuse(where, 'perSecond', perSecond, 'a positive number');
    if (!(retryAfter >= 0) || retryAfter > Number.MAX_SAFE_INTEGER)
      refuse(where, 'retryAfter', retryAfter, 'seconds, a number from 0 on');
    assertText(where, 'message', message);
    assertText(where, 'by', by);
    const { host } = this.adapter;
    this.draining?.abort();
    const controller = (this.draining = new AbortController());
    const text = message ?? 'The server is draining';
    const headers = { 'Retry-After': String(Math.ceil(retryAfter)) };
    host.access.draining = because('draining', refusal(503, text, headers));
    host.audit({ action: 'drain', by, details: { perSecond, message, clients: host.clients().length } });
    await drainClients({ clients: () => host.clients(), perSecond, text, signal: controller.signal });
  }

  /**
   * Ends a drain: clients may connect again. Does nothing if this node does not drain. @throws TypeError if an option is invalid
   *
   * @example
   * adapter.operations.endDrain({ by: 'ada' });
   */
  endDrain(options: OperatorOptions = {}): void {
    const by = operator('EnvelopeOperations.endDrain', options);
    const { host } = this.adapter;
    if (this.draining === undefined) return;
    this.draining.abort();
    this.draining = undefined;
    host.access.draining = undefined;
    host.audit({ action: 'drain.end', by });
  }

  /**
   * The limits of the adapter as they are now; `false`: no limit. A gateway may have other ones.
   * @example const { messagesPerSecond } = adapter.operations.limits;
   */
  get limits(): Required<Limits> {
    return this.adapter.host.limitsOf(undefined) as Required<Limits>;
  }

  /**
   * Returns the limits of one path as they are now; `false`: no limit. @throws TypeError if no gateway has the path
   *
   * @example
   * const { messagesPerSecond } = adapter.operations.limitsOf('/chat');
   */
  limitsOf(path: string): Required<PathLimits> {
    if (typeof path !== 'string')
      refuse('EnvelopeOperations.limitsOf', 'path', path, "a string, such as '/chat'");
    return this.adapter.host.limitsOf(path);
  }

  /**
   * Changes limits on this node until it ends. Without `path`, gateways that set a limit themselves keep it. `undefined`
   * restores what the options say. `maxPayload`, `maxFragments`, `maxBufferedBytes` and `maxLifetime` count for further
   * connections, and all others also for those that are open.
   *
   * @param changes the limits to change, as in the option `limits`
   * @throws TypeError if a limit, an option or the path is unknown; Error if a value is invalid
   * @example adapter.operations.setLimits({ messagesPerSecond: 20 }, { path: '/chat', by: 'ada' });
   */
  setLimits(changes: LimitChanges, options: OperatorOptions & { path?: string } = {}): void {
    const where = 'EnvelopeOperations.setLimits';
    if (!isRecordLike(changes))
      refuse(where, 'changes', changes, 'an object, such as { messagesPerSecond: 20 }');
    assertOptions(where, options, ['path', 'by'], "{ path: '/chat' }");
    const { path, by } = options;
    assertText(where, 'by', by);
    assertText(where, 'path', path);
    const { host } = this.adapter;
    host.setLimits(changes, path);
    const details = Object.entries(changes).map(([name, value]) => [name, value ?? null]);
    host.audit({ action: 'limits', by, path, details: Object.fromEntries(details) });
  }

  /**
   * Keeps an address or a user out for a time, on all nodes: open connections are closed with 1008, and requests to connect are
   * refused with 429 and `Retry-After`. The block is in memory. A node that starts later learns of it from the others.
   *
   * @param target an address, which for IPv6 is its /64 network, or a user, as `user()` names it
   * @throws TypeError if the target, the duration or an option is invalid
   * @example adapter.operations.block({ address: '203.0.113.7' }, { duration: 600_000, reason: 'flood' });
   */
  block(target: BlockTarget, options: BlockOptions): void {
    const where = 'EnvelopeOperations.block';
    const subject = toSubject(where, target);
    assertOptions(where, options, ['duration', 'by', 'reason'], '{ duration: 600_000 }');
    const { duration, by, reason } = options;
    if (typeof duration !== 'number' || !(duration > 0 && duration <= MAX_DURATION))
      refuse(where, 'duration', duration, 'milliseconds up to 100 years, a positive number such as 600_000');
    assertText(where, 'by', by);
    assertText(where, 'reason', reason);
    this._block(subject, duration, { by, reason });
    this.audit('block', subject, by, { duration, reason });
  }

  /**
   * Ends a block early, on all nodes. Does nothing if there is none. @throws TypeError if the target or an option is invalid
   *
   * @example
   * adapter.operations.unblock({ address: '203.0.113.7' }, { by: 'ada' });
   */
  unblock(target: BlockTarget, options: OperatorOptions = {}): void {
    const where = 'EnvelopeOperations.unblock';
    const subject = toSubject(where, target);
    const by = operator(where, options);
    if (this._unblock(subject, by)) this.audit('unblock', subject, by, {});
  }

  /**
   * The blocks that have not ended, as this node knows them.
   *
   * @example
   * for (const { user, address, until } of adapter.operations.blocks) console.log(user ?? address, new Date(until));
   */
  get blocks(): readonly Block[] {
    return this._blocks.map(({ kind, name, until, by, reason }) => ({ [kind]: name, until, by, reason }));
  }

  /**
   * Disconnects all clients of one user on all paths and all nodes: `EnvelopeServer.disconnectUser` for each path. The user may
   * connect again; {@link block} also keeps it out.
   *
   * @throws TypeError on an id that cannot name a user, or if an option is invalid
   * @example adapter.operations.disconnectUser(42, { by: 'ada' });
   */
  disconnectUser(id: Untyped, options: OperatorOptions = {}): void {
    const name = userText(id);
    const by = operator('EnvelopeOperations.disconnectUser', options);
    this._disconnectUser(name);
    this.adapter.host.audit({ action: 'disconnectUser', by, target: name });
  }

  /**
   * Sends an event to all clients on all paths and all nodes, such as a notice of maintenance.
   *
   * @throws TypeError on data that JSON cannot carry, or if an option is invalid; Error on a reserved event name; the error of
   * `validateEmits` for data that a path does not declare: the other paths have received it then, and the audit record names the path
   * @example adapter.operations.announce({ text: 'Back at 4' }, { by: 'ada' });
   */
  announce(data: Untyped, options: OperatorOptions & { event?: string } = {}): void {
    const where = 'EnvelopeOperations.announce';
    if (data === undefined || data === null)
      refuse(where, 'data', data, "what clients receive, such as { text: 'Back at 4' }");
    assertOptions(where, options, ['event', 'by'], "{ event: 'maintenance' }");
    const { event = 'maintenance', by } = options;
    assertText(where, 'event', event);
    assertText(where, 'by', by);
    const { host } = this.adapter;
    const errors = new Map<string, unknown>();
    const servers = host.topServers();
    for (const server of servers)
      callSafely(
        () => void server.emit(event, data),
        (error) => errors.set(server.name, error),
      );
    const failedPaths = errors.size === 0 ? undefined : [...errors.keys()];
    if (errors.size < servers.length)
      host.audit({ action: 'announce', by, details: { event, ...(failedPaths && { failedPaths }) } });
    for (const error of errors.values()) throw error;
  }

  /** @internal The entries of {@link blocks}. */
  get _blocks(): readonly BlockEntry[] {
    return this.adapter.host.access.blocks.entries().filter(({ isLifted }) => !isLifted);
  }

  /** @internal Disconnects a user. The caller records it for the audit. */
  _disconnectUser(name: string): void {
    for (const server of this.adapter.host.topServers()) server.disconnectUser(name);
  }

  /** @internal Blocks a subject. The caller records it for the audit. */
  _block(subject: BlockSubject, duration: number, given: Pick<BlockEntry, 'by' | 'reason'>): void {
    this.decide(subject, { until: Date.now() + duration, ...given, isLifted: false });
  }

  /** @internal Ends a block. The caller records it for the audit. @returns whether this node knew the block */
  _unblock(subject: BlockSubject, by: string | undefined): boolean {
    const block = this.adapter.host.access.blocks.blockOf(subject);
    if (block === undefined) return false;
    this.decide(subject, { until: block.until, by, reason: undefined, isLifted: true });
    return true;
  }

  private decide(
    { kind, name }: BlockSubject,
    decision: Pick<BlockEntry, 'until' | 'by' | 'reason' | 'isLifted'>,
  ): void {
    const { host, blocks } = this.adapter;
    const known = host.access.blocks.find({ kind, name });
    // later than what it replaces, also within one millisecond
    const at = Math.max(Date.now(), (known?.at ?? 0) + 1);
    blocks.add({ kind, name, at, ...decision }, host.topServers());
  }

  private audit(
    action: 'block' | 'unblock',
    { kind, name: target }: BlockSubject,
    by: string | undefined,
    details: Readonly<Record<string, unknown>>,
  ): void {
    this.adapter.host.audit({ action, by, target, details: { kind, ...details } });
  }

  private get adapter(): NonNullable<typeof this.attached> {
    if (this.attached === undefined)
      throw withCode(
        'ERR_ENVELOPE_NO_ADAPTER',
        new Error(
          'EnvelopeOperations: the application has no EnvelopeAdapter yet: call app.useWebSocketAdapter(new EnvelopeAdapter(app)) first',
        ),
      );
    return this.attached;
  }
}

function toSubject(where: string, target: unknown): BlockSubject {
  if (!isRecordLike(target)) refuse(where, 'target', target, TARGET);
  const { address, user: id } = target as { address?: unknown; user?: unknown };
  if ((address === undefined) === (id === undefined)) refuse(where, 'target', target, TARGET);
  if (address === undefined) return { kind: 'user', name: userText(id) };
  const name = typeof address === 'string' ? addressKey(address) : undefined;
  if (name === undefined) refuse(where, 'address', address, "an IP address, such as '203.0.113.7'");
  return { kind: 'address', name };
}

function operator(where: string, options: OperatorOptions): string | undefined {
  assertOptions(where, options, ['by'], "{ by: 'ada' }");
  assertText(where, 'by', options.by);
  return options.by;
}

function assertText(where: string, name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') refuse(where, name, value, 'a text');
}
