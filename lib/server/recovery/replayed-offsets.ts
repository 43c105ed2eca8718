import { isLater } from './stream-offset.js';

/**
 * The offsets of the messages that a client receives when it resumes, so that it does not receive them once more: this node may read a
 * message from the log after another node has sent it. Holds nothing else, since it lives for as long as the client is connected.
 */
export class ReplayedOffsets {
  private readonly known: Set<string>;
  private readonly last: string | undefined;
  /** Whether this node may still read one of these messages. */
  private isCatchingUp = true;

  /**
   * @param from the client has received everything up to this offset
   * @param offsets those of the messages that it missed, in order
   */
  constructor(
    private readonly from: string,
    offsets: readonly string[],
  ) {
    this.known = new Set(offsets);
    this.last = offsets.at(-1);
  }

  add(offset: string): void {
    this.known.add(offset);
  }

  /** Returns whether the client has received a message before, or receives it among those that it missed. */
  isKnown(offset: string): boolean {
    return this.known.has(offset) || !isLater(offset, this.from);
  }

  /** Returns whether a message is earlier than the last one that the client missed. */
  isBeforeLast(offset: string): boolean {
    return this.last !== undefined && isLater(this.last, offset);
  }

  /** The same as {@link isKnown}, for the messages of this node in order: forgets the offsets behind the last one. */
  readonly has = (offset: string): boolean => {
    if (!this.isCatchingUp) return false;
    if (this.isKnown(offset)) return true;
    this.isCatchingUp = this.last !== undefined && !isLater(offset, this.last);
    if (!this.isCatchingUp) this.known.clear();
    return false;
  };
}
