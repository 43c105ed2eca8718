import type { JoinedHistory } from '../../lib/history/index.js';
import type { TestApp } from '../support/app.js';
import type { Received, TestClient } from '../support/client.js';
import type { Enter } from './gateway.js';

/** A message with the metadata of a history. */
export interface HistoryFrame extends Received {
  meta?: { room?: string | string[]; position?: string; replayed?: boolean };
}

/** A client that keeps its positions as PROTOCOL.md describes it. */
export class RoomClient {
  /** The last mark of each sender, by room. */
  private readonly marks = new Map<string, Map<string, string>>();
  /** The messages received on all connections. */
  readonly messages: HistoryFrame[] = [];
  client!: TestClient;
  private frames: HistoryFrame[] | undefined;
  private count = 0;

  async connect(app: TestApp): Promise<this> {
    this.client = await app.connect('/ws', { protocols: ['envelope.v1'] });
    await this.client.next('$session');
    return this;
  }

  /** The positions that it has seen in a room. */
  position(room: string): string | undefined {
    this.collect();
    const marks = this.marks.get(room);
    return marks && [...marks.values()].join(',');
  }

  /** Enters a room where it left it. */
  async enter(room: string, rewind?: number): Promise<JoinedHistory> {
    return (await this.client.ask('enter', this.enterData(room, rewind))).data as JoinedHistory;
  }

  /** Does the same without waiting for the answer. */
  startToEnter(room: string, rewind?: number): void {
    this.client.send({ event: 'enter', data: this.enterData(room, rewind), id: 'start' });
  }

  private enterData(room: string, rewind?: number): Enter {
    return { room, after: this.position(room), rewind };
  }

  /** Destroys the connection. What was received until now counts. */
  async cut(): Promise<void> {
    this.collect();
    this.client.ws.removeAllListeners('message');
    this.client.ws.terminate();
    await this.client.ended();
  }

  /** Returns the payloads of the messages so far. */
  payloads(event = 'said'): unknown[] {
    this.collect();
    return this.messages.filter((message) => message.event === event).map(({ data }) => data as unknown);
  }

  private collect(): void {
    const frames = this.client.frames as HistoryFrame[];
    if (this.frames !== frames) this.count = 0;
    this.frames = frames;
    for (const frame of frames.slice(this.count)) {
      const { room, position } = frame.meta ?? {};
      if (frame.ack === undefined && frame.event?.startsWith('$') === false) this.messages.push(frame);
      if (position === undefined) continue;
      for (const name of [room ?? []].flat()) {
        const marks = this.marks.get(name) ?? new Map<string, string>();
        this.marks.set(name, marks.set(position.slice(0, position.indexOf(':')), position));
      }
    }
    this.count = frames.length;
  }
}
