import { OneAtATime } from '../util/one-at-a-time.js';
import { PRESENCE, respond, type PeerMessages } from './peer-messages.js';
import type { PresenceHost } from './presence-host.js';
import type { PresenceTable } from './presence-table.js';
import { PresenceView, type PresenceEvent, type PresenceListener } from './presence-view.js';

/** A change that nodes send each other. */
interface Change extends PresenceEvent {
  readonly type: 'join' | 'leave' | 'update';
}

/** Asks whether members are in rooms. */
const HAS = `${PRESENCE}has`;
/** Sends changes. */
const CHANGES = `${PRESENCE}told`;
/** Requests the members of all rooms. */
const ALL = `${PRESENCE}all`;

/** The joins, updates and leaves of members: tells those of this node to the others, and calls listeners for those of all nodes. */
export class MemberChanges {
  /** What this node knows of all nodes; made with the first listener. */
  private view: PresenceView | undefined;
  /** The changes to send to the other nodes, in one message per turn of the event loop. */
  private readonly changes: Change[] = [];
  /** The members that left this node. They have left the room unless another node has them. */
  private readonly departures: PresenceEvent[] = [];
  private readonly synchronisation = new OneAtATime(() => this.fetchAll());

  /** @param table the members on this node */
  constructor(
    private readonly host: PresenceHost,
    private readonly table: PresenceTable,
    private readonly peers: PeerMessages,
  ) {
    const { _internalListeners: internal } = host;
    internal.set(HAS, (members, callback) =>
      respond(
        callback,
        (members as [string, string][]).map(([room, key]) => table.has(room, key)),
      ),
    );
    internal.set(ALL, (callback) => respond(callback, table.dump()));
    internal.set(CHANGES, (changes) => (changes as Change[]).forEach((change) => this.receive(change)));
  }

  /** Adds a listener, which learns of other nodes by {@link synchronise}. */
  listen(type: Change['type'], listener: PresenceListener): void {
    this.view ??= new PresenceView((failure) => this.host._report(failure, 'a listener of presence threw'));
    this.view.listeners[type].push(listener);
  }

  /** Requests the members of all nodes, and applies the differences. Does nothing without listeners. */
  synchronise(): void {
    if (this.view !== undefined) this.synchronisation.run();
  }

  private async fetchAll(): Promise<void> {
    const view = this.view!;
    view.expectLists();
    const { error, responses } = await this.peers.request(ALL);
    // the nodes have changed meanwhile
    if (this.synchronisation.isDue) return;
    const all = [this.table.dump(), ...responses.map((response) => response.filter(Array.isArray))].flat();
    // a node that has not responded may have members as well
    view.replace(all as ReturnType<PresenceTable['dump']>, error === null);
  }

  /** Emits a change on this node, and sends it to the others. */
  announce(change: Change): void {
    this.view?.apply(change.type, change.room, change.key, change.meta);
    if (this.changes.push(change) === 1) setImmediate(() => this.peers.send(CHANGES, this.changes.splice(0)));
  }

  /** A member has no connection in a room on this node any more: announces it, unless another node has one. */
  departed(member: PresenceEvent): void {
    // a thousand may leave at once, so the nodes get one request for all of them
    if (this.departures.push(member) === 1) setImmediate(() => this.checkDepartures());
  }

  private checkDepartures(): void {
    const departures = this.departures.splice(0);
    const members = departures.map(({ room, key }) => [room, key]);
    void this.peers.request(HAS, members).then(({ responses }) => {
      departures.forEach(({ room, key, meta }, index) => {
        const isElsewhere = responses.some((has) => has[index] === true) || this.table.has(room, key);
        if (!isElsewhere) this.announce({ type: 'leave', room, key, meta });
      });
    });
  }

  /** Applies a change of another node. */
  private receive({ type, room, key, meta }: Change): void {
    if (type !== 'leave' || !this.table.has(room, key)) this.view?.apply(type, room, key, meta);
    // the member joined this node after the other node had asked whether it is here
    else this.announce({ type: 'join', room, key, meta });
  }
}
