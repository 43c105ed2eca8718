import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { Adapter, type BroadcastOptions, type Room } from 'socket.io-adapter';
import type { AdapterFactory } from '../../lib/index.js';
import type { Untyped } from '../../lib/protocol/typed-events.js';

const TYPES = {
  broadcast: 3,
  join: 4,
  leave: 5,
  disconnect: 6,
  fetch: 7,
  found: 8,
  serverSide: 9,
  answer: 10,
};

interface Document {
  type: number;
  uid?: string;
  nsp?: string;
  data: Record<string, Untyped>;
}

type Callback = (answers: unknown[]) => void;

/** A collection of documents with a change stream that reports each insertion to all adapters. */
export class Collection {
  readonly members = new Set<LateAdapter>();
  /** Returns `true` for documents whose insertion fails. */
  fails: (document: Document) => boolean = () => false;

  /** The adapter for each node's application. */
  readonly adapter: AdapterFactory = (nsp) => new LateAdapter(nsp, this);

  /** Encodes the document in a later turn, like a driver that first waits for a connection. */
  async insertOne(document: Document): Promise<{ insertedId: Buffer }> {
    await turn();
    const text = JSON.stringify(document);
    if (this.fails(document)) throw new Error('not the primary');
    setImmediate(() => {
      for (const member of this.members) {
        const fullDocument = JSON.parse(text) as Document;
        if (fullDocument.uid !== member.uid && fullDocument.nsp === member.nsp.name)
          void member.onEvent({ operationType: 'insert', fullDocument });
      }
    });
    return { insertedId: randomBytes(12) };
  }
}

/**
 * A small `@socket.io/mongo-adapter` 0.4.0 with the same methods. It does not extend `ClusterAdapter`, encodes messages
 * late, delivers on this node only after the insertion, and leaves rejections unhandled.
 */
export class LateAdapter extends Adapter {
  readonly uid = randomBytes(8).toString('hex');
  private readonly requests = new Map<string, { missing: number; answers: unknown[]; done: Callback }>();

  constructor(
    nsp: unknown,
    private readonly collection: Collection,
  ) {
    super(nsp);
    collection.members.add(this);
  }

  override close(): void {
    this.collection.members.delete(this);
  }

  override serverCount(): Promise<number> {
    const { name } = this.nsp;
    return Promise.resolve([...this.collection.members].filter(({ nsp }) => nsp.name === name).length);
  }

  async onEvent({ fullDocument }: { operationType: string; fullDocument: Document }): Promise<void> {
    const { type, data } = fullDocument;
    const answer = (answerType: number, value: unknown): void =>
      void this.publish({ type: answerType, data: { requestId: data['requestId'], value } });
    if (type === TYPES.broadcast) super.broadcast(data['packet'], toSets(data['opts']));
    else if (type === TYPES.join) super.addSockets(toSets(data['opts']), data['rooms']);
    else if (type === TYPES.leave) super.delSockets(toSets(data['opts']), data['rooms']);
    else if (type === TYPES.disconnect) super.disconnectSockets(toSets(data['opts']), data['close']);
    else if (type === TYPES.fetch) {
      const sockets = await super.fetchSockets(toSets(data['opts']));
      const view = sockets.map(({ id, handshake, rooms, data }) => ({
        id,
        handshake,
        rooms: [...rooms],
        data,
      }));
      answer(TYPES.found, view);
    } else if (type === TYPES.serverSide) {
      const packet = data['packet'] as unknown[];
      if (data['requestId'] !== undefined) packet.push((value: unknown) => answer(TYPES.answer, [value]));
      this.nsp._onServerSideEmit(packet);
    } else if (type === TYPES.found || type === TYPES.answer) {
      const request = this.requests.get(data['requestId']);
      request?.answers.push(...data['value']);
      if (request !== undefined && --request.missing === 0) request.done(request.answers);
    }
  }

  publish(document: Document): Promise<string> {
    document.uid = this.uid;
    document.nsp = this.nsp.name;
    return this.collection.insertOne(document).then(({ insertedId }) => insertedId.toString('hex'));
  }

  override async broadcast(packet: Untyped, opts: BroadcastOptions): Promise<void> {
    if (opts.flags?.local !== true) {
      try {
        await this.publish({ type: TYPES.broadcast, data: { packet, opts: toArrays(opts) } });
      } catch {
        return;
      }
    }
    process.nextTick(() => super.broadcast(packet, opts));
  }

  override addSockets(opts: BroadcastOptions, rooms: Room[]): void {
    super.addSockets(opts, rooms);
    void this.publish({ type: TYPES.join, data: { opts: toArrays(opts), rooms } });
  }

  override delSockets(opts: BroadcastOptions, rooms: Room[]): void {
    super.delSockets(opts, rooms);
    void this.publish({ type: TYPES.leave, data: { opts: toArrays(opts), rooms } });
  }

  override disconnectSockets(opts: BroadcastOptions, close: boolean): void {
    super.disconnectSockets(opts, close);
    void this.publish({ type: TYPES.disconnect, data: { opts: toArrays(opts), close } });
  }

  override async fetchSockets(opts: BroadcastOptions): Promise<Untyped[]> {
    const own = await super.fetchSockets(opts);
    const missing = (await this.serverCount()) - 1;
    if (opts.flags?.local === true || missing === 0) return own;
    return new Promise((resolve) => {
      this.ask(TYPES.fetch, { opts: toArrays(opts) }, missing, (found) => resolve([...own, ...found]));
    });
  }

  override serverSideEmit(packet: Untyped[]): void {
    if (typeof packet.at(-1) !== 'function')
      return void this.publish({ type: TYPES.serverSide, data: { packet } });
    const done = packet.pop() as (error: null, answers: unknown[]) => void;
    void this.serverCount().then((count) => {
      if (count === 1) return done(null, []);
      this.ask(TYPES.serverSide, { packet }, count - 1, (answers) => done(null, answers));
    });
  }

  private ask(type: number, data: Record<string, unknown>, missing: number, done: Callback): void {
    const requestId = randomBytes(8).toString('hex');
    this.requests.set(requestId, { missing, answers: [], done });
    void this.publish({ type, data: { ...data, requestId } });
  }
}

function toArrays({ rooms, except = new Set(), flags }: BroadcastOptions): object {
  return { rooms: [...rooms], except: [...except], flags };
}

function toSets({ rooms, except, flags }: Untyped): BroadcastOptions {
  return { rooms: new Set(rooms as Room[]), except: new Set(except as Room[]), flags };
}
