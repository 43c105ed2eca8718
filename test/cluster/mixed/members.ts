import type { IoClient } from '../../socketio-clients/io-client.js';
import type { TestClient } from '../../support/client.js';

/** An event with its arguments. */
export type Event = [event: string, ...args: unknown[]];

/** A client of either kind, as the cases of mixed clusters use it. */
export interface Member {
  /** The id of its socket. */
  readonly id: string;
  /** The events that it received, in order, without those of the tests themselves. */
  events(): Event[];
  /** Whether it has received an event, with this first argument if one is given. */
  has(event: string, first?: unknown): boolean;
  /** Resolves when {@link has} holds. */
  received(event: string, first?: unknown): Promise<unknown>;
  /** How the arguments of an event look to it: a bare client gets several as one list, and bytes as base64 text. */
  view(event: Event): Event;
  /** Answers each event of this name. */
  answer(event: string, answer: (...args: unknown[]) => unknown): void;
  /** Sends a request to its node, and returns the first value of the answer. */
  ask(event: string, data?: unknown): Promise<unknown>;
  /** Resolves when the server has ended it. */
  ended(): Promise<unknown>;
}

/** The event that follows others on the same way, and shows that they have arrived. */
export const MARK = 'mark';
/** The event that shows that nodes reach each other. */
export const HELLO = 'hello';

/** A Socket.IO client as a member. */
export class IoMember implements Member {
  constructor(
    readonly id: string,
    private readonly client: IoClient,
  ) {}

  events(): Event[] {
    return this.client.events.filter(([event]) => event !== MARK && event !== HELLO);
  }

  has(event: string, first?: unknown): boolean {
    return this.client.of(event).some(([value]) => first === undefined || value === first);
  }

  received(event: string, first?: unknown): Promise<unknown> {
    return this.client.until(`${event} ${String(first)} at ${this.id}`, () => this.has(event, first));
  }

  view(event: Event): Event {
    return event;
  }

  answer(event: string, answer: (...args: unknown[]) => unknown): void {
    this.client.socket.on(event, (...args: unknown[]) => {
      const acknowledge = args.pop() as (value: unknown) => void;
      acknowledge(answer(...args));
    });
  }

  async ask(event: string, data?: unknown): Promise<unknown> {
    const [answer] = await this.client.ask(event, data);
    return answer;
  }

  async ended(): Promise<unknown> {
    const reason = await this.client.ended();
    if (reason !== 'io server disconnect') throw new Error(`ended by ${reason}`);
    return reason;
  }
}

/** A bare client of our node as a member. */
export class BareMember implements Member {
  constructor(
    readonly id: string,
    private readonly client: TestClient,
  ) {}

  events(): Event[] {
    const events = this.client.frames.filter(
      ({ event, ack }) => ack === undefined && event !== MARK && event !== HELLO,
    );
    return events.map((frame) => [frame.event!, ...('data' in frame ? [frame.data as unknown] : [])]);
  }

  has(event: string, first?: unknown): boolean {
    return this.client.frames.some(
      (frame) => frame.event === event && (first === undefined || frame.data === first),
    );
  }

  received(event: string, first?: unknown): Promise<unknown> {
    return this.client.until(`${event} ${String(first)} at ${this.id}`, () => this.has(event, first));
  }

  view([event, ...args]: Event): Event {
    const carried = JSON.parse(JSON.stringify(args, asText)) as unknown[];
    return carried.length > 1 ? [event, carried] : [event, ...carried];
  }

  answer(event: string, answer: (...args: unknown[]) => unknown): void {
    this.client.ws.on('message', (text) => {
      const {
        event: name,
        id,
        data,
      } = JSON.parse(String(text)) as { event?: string; id?: number; data?: unknown };
      if (name !== event || id === undefined) return;
      this.client.send({ ack: id, data: answer(...(Array.isArray(data) ? data : [data])) });
    });
  }

  async ask(event: string, data?: unknown): Promise<unknown> {
    return (await this.client.ask(event, data)).data as unknown;
  }

  ended(): Promise<unknown> {
    return this.client.ended();
  }
}

/** A replacer that writes bytes as base64 text, as in messages to bare clients. */
function asText(this: unknown, key: string, value: unknown): unknown {
  const original: unknown = (this as Record<string, unknown>)[key];
  return ArrayBuffer.isView(original) ? Buffer.from(original as Uint8Array).toString('base64') : value;
}
