import { decode, encode } from '@msgpack/msgpack';
import { WebSocket, type ClientOptions } from 'ws';
import { Waiter } from '../support/client.js';
import { LONGEST_WAIT } from '../support/longest-wait.js';

export interface PackedMessage {
  event?: string;
  data?: any; // eslint-disable-line -- tests look into payloads freely
  id?: string | number;
  ack?: string | number;
  more?: true;
  offset?: string;
  kind?: string;
  payload?: unknown;
}

export const MSGPACK = 'envelope.v1+msgpack';

/** A bare client of `envelope.v1+msgpack`. */
export class PackedClient {
  readonly ws: WebSocket;
  readonly messages: PackedMessage[] = [];
  closed: number | undefined;
  private readonly taken = new Set<PackedMessage>();
  private readonly waiter = new Waiter(LONGEST_WAIT);

  constructor(url: string, protocols: string[] = [MSGPACK, 'envelope.v1'], options?: ClientOptions) {
    this.ws = new WebSocket(url, protocols, options);
    this.ws.on('message', (data: Buffer, isBinary) => {
      this.messages.push(
        isBinary ? (decode(data) as PackedMessage) : (JSON.parse(data.toString()) as PackedMessage),
      );
      this.waiter.notify();
    });
    this.ws.on('close', (code) => {
      this.closed = code;
      this.waiter.notify();
    });
    this.ws.on('error', () => undefined);
  }

  get offset(): string | undefined {
    return this.messages.filter(({ offset }) => offset !== undefined).at(-1)?.offset;
  }

  send(message: object): void {
    this.ws.send(encode(message));
  }

  next(event: string): Promise<PackedMessage> {
    return this.take(`"${event}"`, (message) => message.event === event);
  }

  async ask(event: string, data: unknown, id: string | number): Promise<PackedMessage> {
    this.send({ event, data, id });
    return this.answer(id);
  }

  answer(id: string | number): Promise<PackedMessage> {
    return this.take(`the answer to ${id}`, ({ ack }) => ack === id);
  }

  take(what: string, matches: (message: PackedMessage) => boolean): Promise<PackedMessage> {
    return this.waiter.until(what, () => {
      const found = this.messages.find((message) => !this.taken.has(message) && matches(message));
      if (found !== undefined) this.taken.add(found);
      return found;
    });
  }

  ended(): Promise<number> {
    return this.waiter.until('the close', () => this.closed);
  }
}
