import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { lengthOf } from '../../server/transport/encoding.js';
import { byteLengthOf, type Message } from '../../server/transport/message.js';
import type { OutboxTransport } from '../../server/transport/outbox.js';
import { patchMethod } from '../../server/util/patch-method.js';
import { TokenBucket } from '../../server/util/token-bucket.js';
import type { FramesPage, FrameView } from './views.js';

/** Milliseconds after the last request for frames, after which they are recorded no longer. */
export const RECORD_TIME = 5_000;
/** Frames that are recorded in a second. */
const FRAMES_PER_SECOND = 50;
/** Frames that wait to be asked for. */
const MAX_FRAMES = 200;
/** Frames of one answer. */
const MAX_ANSWERED = 100;
/** Characters of a payload. */
const MAX_PAYLOAD = 2_000;
/** Characters of a frame that is parsed for the name of its event. */
const MAX_PARSED = 65_536;
const MAX_NAME = 256;

const RATE = new TokenBucket(FRAMES_PER_SECOND, FRAMES_PER_SECOND);

type Outgoing = Parameters<OutboxTransport['write']>[0][number];

/** Records the frames of one connection, while an admin asks for them. Other connections pay nothing. */
export class FrameRecorder {
  private readonly frames: FrameView[] = [];
  private total = 0;
  private skipped = 0;
  /** The state of {@link RATE}. */
  private paid = 0;
  private readonly undo: readonly (() => void)[];

  /** @param payloads whether texts are recorded */
  constructor(
    private readonly socket: EnvelopeSocket,
    private readonly payloads: boolean,
  ) {
    const receive = (original: (data: Message, isBinary: boolean) => void) => {
      const { _lifecycle } = socket;
      return (data: Message, isBinary: boolean): void => {
        this.record('in', isBinary, byteLengthOf(data), () => textOfMessage(data, isBinary));
        original.call(_lifecycle, data, isBinary);
      };
    };
    this.undo = [
      patchMethod(socket._lifecycle, 'onMessage', receive),
      patchMethod(socket._lifecycle, 'onExcessMessage', receive),
      this.watchWrites(),
    ];
  }

  /** Returns the frames after a number. */
  read(after: number): FramesPage {
    const frames = this.frames.filter(({ number }) => number > after).slice(0, MAX_ANSWERED);
    return {
      frames,
      next: frames.at(-1)?.number ?? after,
      total: this.total,
      skipped: this.skipped,
      ended: !this.socket.connected,
      payloads: this.payloads,
    };
  }

  stop(): void {
    for (const undo of this.undo) undo();
  }

  private watchWrites(): () => void {
    const connection = this.socket._connection as unknown as Partial<OutboxTransport> & object;
    const { write } = connection;
    if (write === undefined) return () => undefined;
    return patchMethod(connection as OutboxTransport, 'write', (original) => (items) => {
      for (const item of items) this.recordSent(item);
      return original.call(connection as OutboxTransport, items);
    });
  }

  private recordSent(item: Outgoing): void {
    const payload = typeof item === 'string' ? item : item.payload;
    const isText = typeof payload === 'string';
    const bytes = isText ? Buffer.byteLength(payload) : lengthOf(payload);
    this.record('out', !isText, bytes, () => (isText ? payload : undefined));
  }

  private record(
    direction: FrameView['direction'],
    isBinary: boolean,
    bytes: number,
    read: () => string | undefined,
  ): void {
    const number = ++this.total;
    const paid = RATE.take(this.paid, performance.now());
    if (paid === 0) return void this.skipped++;
    this.paid = paid;
    const text = read();
    const named = text === undefined ? {} : describe(text);
    this.frames.push({
      number,
      at: Date.now(),
      direction,
      bytes,
      isBinary,
      ...named,
      ...(this.payloads && isShown(named) && { payload: copyOf(text!.slice(0, MAX_PAYLOAD)) }),
    });
    if (this.frames.length > MAX_FRAMES) this.frames.shift();
  }
}

function textOfMessage(data: Message, isBinary: boolean): string | undefined {
  if (typeof data === 'string') return data;
  if (!Buffer.isBuffer(data)) return data.text;
  return isBinary ? undefined : data.toString();
}

/** What the text of a frame says about itself. */
type Named = Pick<FrameView, 'event' | 'request' | 'isAnswer'>;

/**
 * Whether a payload may be shown: not that of an event of the protocol, such as `$auth` and `$session`, which carry credentials, and
 * not that of a text that could be one of them.
 */
function isShown({ event, isAnswer }: Named): boolean {
  return event === undefined ? isAnswer === true : !event.startsWith('$');
}

/** Returns the event and the request of an envelope, or of a packet of Socket.IO; nothing of another text. */
function describe(text: string): Named {
  if (text.length > MAX_PARSED) return {};
  const packet = PACKET.exec(text);
  const parsed = parse(packet === null ? text : packet[3]!);
  if (packet !== null) {
    const [, type, id] = packet;
    const [event] = Array.isArray(parsed) ? (parsed as unknown[]) : [];
    return named(type === EVENT ? event : undefined, id === '' ? undefined : id, type === ACK);
  }
  const { event, id, ack } = Object(parsed) as Record<string, unknown>;
  return named(event, id ?? ack, ack !== undefined);
}

/** A packet of Socket.IO: its type, its namespace, its id, and its data. */
const PACKET = /^([23])(?:\/[^,]{0,1000},)?(\d{0,16})(\[[^]*)$/;
const EVENT = '2';
const ACK = '3';

function named(event: unknown, request: unknown, isAnswer: boolean): Named {
  return {
    ...(typeof event === 'string' && { event: event.slice(0, MAX_NAME) }),
    ...((typeof request === 'string' || typeof request === 'number') && {
      request: String(request).slice(0, MAX_NAME),
      isAnswer,
    }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A part of a text keeps the whole text in memory: its copy does not. */
const copyOf = (part: string): string => Buffer.from(part).toString();
