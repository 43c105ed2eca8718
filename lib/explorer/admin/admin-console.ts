import type { KnownAdapter } from '../../nest/gateways/find-adapter.js';
import type { Audited } from '../../server/diagnostics/audit.js';
import type { ObservedServer } from '../../server/diagnostics/types.js';
import { nameOfUser } from '../../server/handshake/user-identity.js';
import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { callSafely } from '../../server/util/safe-call.js';
import { ACTIONS, describeAction } from './actions.js';
import { fail, failureOf } from './admin-failure.js';
import type { AdminGuards } from './admin-guards.js';
import type { ResolvedAdmin } from './admin-options.js';
import { AuditTrail, mergeTrails } from './audit-trail.js';
import { fieldsOf } from './checked-values.js';
import { ConnectionCounts } from './connection-counts.js';
import { MAX_ROWS, readAddress } from './connection-list.js';
import { ConnectionRates } from './connection-rates.js';
import { FrameRecorders } from './frame-recorders.js';
import { MessageCounts } from './message-counts.js';
import { nodeAnswers } from './node-answers.js';
import { NodeMeter } from './node-summary.js';
import { OverviewMaker } from './overview.js';
import { Pages } from './pages.js';
import { Peers } from './peers.js';
import { RefusalCounts } from './refusal-counts.js';
import type { ActionResult, Hello } from './views.js';
import type { AdminRequests } from './wire.js';

/** Milliseconds between two requests of a page for the overview. */
const INTERVAL = 2_000;
/** Requests of one admin at the same time. */
const MAX_IN_FLIGHT = 8;

type Query = (data: unknown, client: EnvelopeSocket) => unknown;

/** The server of the live console on one node: answers the requests of admins, with the other nodes. */
export class AdminConsole {
  private readonly connections: ConnectionCounts;
  private readonly messages: MessageCounts;
  private readonly recorders: FrameRecorders;
  private readonly trail: AuditTrail;
  private readonly refusals = new RefusalCounts();
  private readonly rates = new ConnectionRates();
  private readonly peers: Peers;
  /** What this node answers to itself and to the others. */
  private readonly answers: ReturnType<typeof nodeAnswers>;
  private readonly queries: Readonly<Partial<Record<keyof AdminRequests, Query>>>;
  private readonly inFlight = new WeakMap<EnvelopeSocket, number>();

  /**
   * @param server the server of the console's path
   * @param report logs an error of this package
   */
  constructor(
    private readonly server: EnvelopeServer,
    private readonly adapter: KnownAdapter,
    private readonly options: ResolvedAdmin,
    private readonly guards: AdminGuards,
    report: (error: unknown) => void,
  ) {
    const servers = { all: () => adapter._servers() };
    const isCounted = cached((counted: ObservedServer) => servers.all().some((known) => known === counted));
    this.connections = new ConnectionCounts(isCounted);
    this.messages = new MessageCounts(isCounted);
    this.recorders = new FrameRecorders(servers, options.payloads);
    this.peers = new Peers(server, (operation, data) => this.answer(operation, data), report);
    const { id, name } = this.peers;
    this.trail = new AuditTrail(name);
    const meter = new NodeMeter({
      name,
      servers,
      connections: this.connections,
      messages: this.messages,
      own: server,
      operations: adapter.operations,
      readOnly: options.readOnly,
    });
    const { recorders, trail, refusals, rates } = this;
    this.answers = nodeAnswers({
      node: { id, name },
      servers,
      operations: adapter.operations,
      meter,
      recorders,
      trail,
      refusals,
      rates,
      readOnly: options.readOnly,
    });
    this.queries = this.createQueries();
    server.on('connection', (client) => this.open(client));
  }

  /** Tells the other nodes, and stops to count and record. */
  stop(): void {
    this.peers.leave();
    this.connections.stop();
    this.messages.stop();
    this.recorders.stop();
    this.trail.stop();
    this.refusals.stop();
    this.rates.stop();
  }

  private answer(operation: string, data: unknown): unknown {
    if (!Object.hasOwn(this.answers, operation)) fail('invalid', 'No such operation');
    return this.answers[operation]!(data);
  }

  private createQueries(): AdminConsole['queries'] {
    const { peers } = this;
    const pages = new Pages(peers);
    const overviews = new OverviewMaker(peers);
    const atNode = (operation: string, data: unknown): Promise<unknown> =>
      peers.askOne(readAddress(data, ['after']).node, operation, data);
    return {
      hello: (_, client) => this.hello(client),
      overview: async () => overviews.make(await peers.askAll('summary')),
      connections: (data) => pages.connections(data),
      details: (data) => atNode('details', data),
      rooms: (data) => pages.rooms(data),
      blocks: (data) => pages.blocks(data),
      refusals: (data) => pages.refusals(data),
      frames: (data) => atNode('frames', data),
      audit: async () => mergeTrails(await peers.askAll('audit')),
    };
  }

  private hello(client: EnvelopeSocket): Hello {
    const user = nameOfUser(client);
    const { readOnly, payloads } = this.options;
    const limits = { interval: INTERVAL, maxRows: MAX_ROWS };
    return { node: this.peers.id, ...(user !== undefined && { user }), readOnly, payloads, ...limits };
  }

  private open(client: EnvelopeSocket): void {
    for (const event of [...Object.keys(this.queries), ...Object.keys(ACTIONS)])
      client.on(event, (...args: unknown[]) =>
        callSafely(
          () => this.onRequest(client, event, args),
          (error) => client.nsp._config.gateway.router.listenerFailed(client, error, event, args),
        ),
      );
  }

  private async onRequest(client: EnvelopeSocket, event: string, args: readonly unknown[]): Promise<void> {
    const respond = args.at(-1);
    if (typeof respond !== 'function') fail('invalid', `${event} is a request: send it with an id`);
    const data = args.length > 1 ? args[0] : undefined;
    const inFlight = this.inFlight.get(client) ?? 0;
    if (inFlight >= MAX_IN_FLIGHT)
      fail('busy', `At most ${MAX_IN_FLIGHT} requests are answered at the same time`);
    this.inFlight.set(client, inFlight + 1);
    try {
      Reflect.apply(respond, undefined, [await this.perform(client, event, data)]);
    } finally {
      this.inFlight.set(client, this.inFlight.get(client)! - 1);
    }
  }

  private async perform(client: EnvelopeSocket, event: string, data: unknown): Promise<unknown> {
    const refused = await this.guards.atRequest(client, event, data);
    const isAction = Object.hasOwn(ACTIONS, event);
    if (isAction) return this.act(client, event, data, refused !== undefined);
    if (refused !== undefined) fail('forbidden', FORBIDDEN);
    return this.queries[event as keyof AdminRequests]!(data, client);
  }

  /** Does an action, and records it: who did it, to whom, and whether it was done. */
  private async act(
    client: EnvelopeSocket,
    event: string,
    data: unknown,
    isForbidden: boolean,
  ): Promise<ActionResult> {
    const { audit, node = this.peers.id, text } = describeAction(event, data);
    const { ip: address, id: connection } = client;
    const user = nameOfUser(client);
    const by: Audited = {
      ...audit,
      by: user ?? `connection ${connection}`,
      details: { ...audit.details, address },
    };
    try {
      if (isForbidden) fail('forbidden', FORBIDDEN);
      if (this.options.readOnly)
        fail('read_only', `${this.peers.name} is read-only: set admin.readOnly to false there`);
      if (audit.action === 'block' && isOwn(client, audit))
        fail('invalid', 'name: the block would close your own console');
      const { path, user: concerned } = fieldsOf(
        await this.peers.askOne(node, 'act', { event, data, by: by.by }),
      );
      this.adapter._audit({
        ...by,
        ...(typeof path === 'string' && { path }),
        details: { ...by.details, ...(typeof concerned === 'string' && { user: concerned }) },
      });
      return { text };
    } catch (error) {
      if (failureOf(error)?.code === 'silent') {
        // it may have been done: the audit log must not miss it
        this.adapter._audit({ ...by, details: { ...by.details, answered: false } });
        throw error;
      }
      const message = error instanceof Error ? error.message : String(error);
      if (['forbidden', 'read_only'].includes(failureOf(error)?.code ?? ''))
        this.trail.addAttempt({ ...by, details: { ...by.details, why: message } }, 'refused');
      else this.trail.addAttempt(by, 'failed');
      // the log limits the lines of each admin
      const text = `${by.by} (${address}): ${by.action} ${by.target ?? 'all'} was not done: ${message}`;
      this.server._warn(`an action of ${by.by}`, text);
      throw error;
    }
  }
}

const FORBIDDEN = 'A guard of the console refused the request';

/** Returns whether the target of a block is the address or the user of the client. */
function isOwn(client: EnvelopeSocket, { target, details }: Audited): boolean {
  const isAddress = details?.['kind'] === 'address';
  return target === (isAddress ? client._upgrade.clientInfo.rateKey : nameOfUser(client));
}

/** Keeps the results of a function. */
function cached<Key extends object>(work: (key: Key) => boolean): (key: Key) => boolean {
  const results = new WeakMap<Key, boolean>();
  return (key) => {
    const known = results.get(key);
    if (known !== undefined) return known;
    const result = work(key);
    results.set(key, result);
    return result;
  };
}
