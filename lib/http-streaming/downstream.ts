import type { IncomingMessage, ServerResponse } from 'node:http';
import { MAX_DELAY } from '../protocol/max-delay.js';
import { KeptMessages } from './kept-messages.js';
import { ResponseStream, type StreamListener } from './response-stream.js';

/** What a downstream reports. */
interface DownstreamListener {
  /** The client takes more. */
  onDrain(): void;
  /** No response carries messages any more: the client has to ask for another one. */
  onLost(): void;
}

/** When a response ends, so that the client asks for the next one. */
interface Rotation {
  /** Milliseconds; 0: it does not. */
  readonly rotateAfter: number;
  /** Characters. */
  readonly rotateAt: number;
}

const BEAT = '["beat"]';

/** The messages of one connection to its client, over one response after the other. */
export class Downstream implements StreamListener {
  private stream: ResponseStream | undefined;
  private key: string | null = null;
  private readonly kept: KeptMessages;
  /** How many of the last messages no response has carried, and their characters. */
  private unsent = 0;
  private unsentSize = 0;
  private timer: NodeJS.Timeout | undefined;
  /** The response ends as soon as the client has read it. */
  private isDue = false;
  private closeRecord: string | undefined;
  private onClosed: (() => void) | undefined;

  constructor(
    /** Characters of messages that are kept for the next response. */
    limit: number,
    private readonly rotation: Rotation,
    private readonly listener: DownstreamListener,
  ) {
    this.kept = new KeptMessages(limit);
  }

  /** Whether a response is open. */
  get hasResponse(): boolean {
    return this.stream !== undefined;
  }

  /** Whether {@link close} was called. */
  get isClosed(): boolean {
    return this.closeRecord !== undefined;
  }

  /** The number of the last message that a response has carried. */
  get sent(): number {
    return this.kept.last - this.unsent;
  }

  open(key: string | null, request: IncomingMessage, response: ServerResponse): void {
    this.key = key;
    this.begin(request, response, 0, []);
  }

  /**
   * Continues in another response, and ends the one before.
   *
   * @param have the number of the last message that the client has, which was sent
   * @param taken the number of the last request that was taken
   * @returns false: what follows is no longer kept, and the connection has to be closed
   */
  resume(request: IncomingMessage, response: ServerResponse, have: number, taken: number): boolean {
    // the new one repeats what the one before still holds
    if (this.stream?.needsDrain === true) this.stream.destroy();
    else this.stream?.end([]);
    this.kept.forget(have);
    const missed = this.kept.after(have);
    this.unsent = this.unsentSize = 0;
    this.begin(request, response, have, [`["got",${taken}]`, ...(missed ?? [])]);
    if (this.closeRecord !== undefined) this.endWith(this.closeRecord);
    return missed !== undefined;
  }

  private begin(
    request: IncomingMessage,
    response: ServerResponse,
    have: number,
    records: readonly string[],
  ): void {
    const stream = (this.stream = new ResponseStream(request, response, this));
    stream.write([JSON.stringify(['line', this.key, have]), ...records]);
    clearTimeout(this.timer);
    this.isDue = false;
    const { rotateAfter } = this.rotation;
    if (rotateAfter === 0 || this.closeRecord !== undefined) return;
    this.timer = setTimeout(() => this.rotate(stream), Math.min(rotateAfter, MAX_DELAY));
    this.timer.unref();
  }

  /** The client has everything up to this number. @returns false: it was not sent */
  acknowledge(have: number): boolean {
    if (have > this.sent) return false;
    this.kept.forget(have);
    return true;
  }

  /** Sends messages. @returns their characters */
  write(messages: readonly string[]): number {
    const { stream } = this;
    let size = 0;
    for (const message of messages) size += message.length;
    if (stream === undefined) {
      this.unsent += messages.length;
      this.unsentSize += size;
    }
    for (const message of messages) this.kept.add(message, this.unsent);
    if (stream === undefined) return size;
    stream.write(messages);
    if (stream.written > this.rotation.rotateAt) this.rotate(stream);
    return size;
  }

  beat(): void {
    this.stream?.write([BEAT]);
  }

  /** Ends a response, so that the client asks for another: once it has read this one, since its time for that is limited. */
  private rotate(stream: ResponseStream): void {
    if (this.stream !== stream) return;
    this.isDue = stream.needsDrain;
    if (this.isDue) return;
    this.stream = undefined;
    stream.end([`["more",${this.kept.last}]`]);
    clearTimeout(this.timer);
    this.listener.onLost();
  }

  get unwrittenBytes(): number {
    return this.unsentSize + (this.stream?.unwrittenBytes ?? 0);
  }
  get needsDrain(): boolean {
    return this.stream === undefined || this.stream.needsDrain;
  }

  onStreamDrain(stream: ResponseStream): void {
    if (this.stream !== stream) return;
    if (this.isDue) this.rotate(stream);
    else this.listener.onDrain();
  }
  onStreamLost(stream: ResponseStream): void {
    if (this.stream !== stream) return;
    this.stream = undefined;
    clearTimeout(this.timer);
    if (this.closeRecord === undefined) this.listener.onLost();
  }

  /**
   * Says why the connection ends: now, or in the next response.
   *
   * @param written called when that was written
   */
  close(code: number, reason: string, written: () => void): void {
    this.closeRecord = JSON.stringify(['close', code, reason]);
    this.onClosed = written;
    clearTimeout(this.timer);
    if (this.stream !== undefined) this.endWith(this.closeRecord);
  }

  private endWith(record: string): void {
    const { stream } = this;
    this.stream = undefined;
    stream?.end([record], () => this.onClosed?.());
  }

  /** Cuts the response, and keeps only how the connection was closed. */
  end(): void {
    clearTimeout(this.timer);
    this.stream?.destroy();
    this.stream = undefined;
    this.onClosed = undefined;
    this.kept.clear();
    this.unsent = this.unsentSize = 0;
  }
}
