import type { Room } from 'socket.io-adapter';
import { withCode } from '../protocol/with-code.js';
import type { EmitFlags, EventPacket } from '../server/rooms/adapter-types.js';
import type {
  HistoryClient,
  HistoryServer,
  HistoryStart,
  JoinedHistory,
  RoomHistory,
  ServerHistory,
} from '../server/rooms/history.js';
import { randomId } from '../server/util/random-id.js';
import { positionOf } from './cursor.js';
import { writeEntry } from './entry.js';
import { joinRoom } from './join-room.js';
import { MissingMessages } from './missing-messages.js';
import { RecentMessages } from './recent-messages.js';
import { readRoom } from './read-room.js';
import type { RoomPatterns } from './room-patterns.js';
import type { OpenRoom } from './open-room.js';
import type { HistoryStore } from './store.js';

/** The histories of one server's rooms. */
export class RoomHistories implements ServerHistory {
  /** Identifies this server among the senders of a room. It never returns, since its numbers begin with 1. */
  private readonly sender = randomId();
  private number = 0;
  private readonly missing: MissingMessages;
  private readonly recent: RecentMessages | undefined;

  constructor(
    private readonly server: HistoryServer,
    private readonly patterns: RoomPatterns,
    private readonly store: HistoryStore,
    private readonly onClose: () => void,
  ) {
    this.missing = new MissingMessages(store, (error) =>
      server._report(error, 'a message could not be stored in the history of its room'),
    );
    if (store.isShared) this.recent = new RecentMessages(this.sender);
    else if (server.cluster.state !== 'alone')
      server._warn(
        'history',
        'the history of rooms is in the memory of this node, so clients miss the messages of other nodes: set ' +
          "roomHistory({ store: redisHistory(redis) }) of 'nestjs-envelope/history'",
      );
  }

  keep(
    packet: EventPacket,
    rooms: ReadonlySet<Room>,
    except: ReadonlySet<Room>,
    { volatile, local }: Readonly<EmitFlags>,
  ): void {
    if (rooms.size === 0 || volatile === true || local === true) return;
    let names: string[] | undefined;
    for (const room of rooms)
      if (this.patterns.find(String(room)) !== undefined) (names ??= []).push(String(room));
    if (names === undefined) return;
    this.server.encoder.check(packet);
    const { sender } = this;
    const number = ++this.number;
    const [event, ...args] = packet.data;
    const { meta } = packet;
    const text = writeEntry({
      sender,
      number,
      event: String(event),
      args,
      except: [...except].map(String),
      meta,
    });
    for (const name of names) this.missing.append(this.open(name), text);
    const room = names.length === 1 ? names[0] : names;
    packet.meta = { ...meta, room, position: positionOf(sender, number) };
  }

  received(packet: Omit<EventPacket, 'type'>): void {
    if (packet.meta !== undefined) this.recent?.add(packet);
  }

  async join(client: HistoryClient, room: Room, start: HistoryStart): Promise<JoinedHistory> {
    return joinRoom(this.open(room), client, room, start);
  }

  of(room: Room): RoomHistory {
    const opened = this.open(room);
    return {
      read: (query) => readRoom(opened, query),
      drop: async () => void (await opened.store.drop(opened.key, opened.limits)),
    };
  }

  close(): void {
    this.missing.close();
    this.onClose();
  }

  private open(room: Room): OpenRoom {
    const name = String(room);
    const limits = this.patterns.find(name);
    if (limits === undefined)
      throw withCode(
        'ERR_ENVELOPE_NO_HISTORY',
        new Error(
          `the room "${name.slice(0, 100)}" has no history: add a pattern for it to the rooms of roomHistory({ rooms })`,
        ),
      );
    const { store, missing, recent } = this;
    const report = (error: unknown): void =>
      this.server._report(error, 'the history of a room could not be read');
    return { name, key: { path: this.server.name, room: name }, limits, store, missing, recent, report };
  }
}
