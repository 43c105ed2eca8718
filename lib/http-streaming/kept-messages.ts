/** Entries that were forgotten, before the list is made shorter. */
const COMPACT_AT = 256;

/**
 * The messages that were sent on a connection, by their numbers, until the client says that it has them. A response can end
 * in the middle of one: the next response begins where the client says.
 */
export class KeptMessages {
  /** The number of the last message. */
  last = 0;
  /** Characters that are kept. */
  size = 0;
  private messages: string[] = [];
  /** How many at the start of the list were forgotten. */
  private forgotten = 0;

  /** @param limit characters */
  constructor(private readonly limit: number) {}

  /** The number of the first message that is kept. */
  private get first(): number {
    return this.last - (this.messages.length - this.forgotten) + 1;
  }

  /** @param unsent how many of the last messages no response has carried: they are never forgotten */
  add(message: string, unsent: number): void {
    this.messages.push(message);
    this.last++;
    this.size += message.length;
    while (this.size > this.limit && this.first <= this.last - unsent) this.forgetFirst();
  }

  /** The client has everything up to this number. */
  forget(number: number): void {
    while (this.first <= number && this.first <= this.last) this.forgetFirst();
  }

  /** Returns what was sent after this number; `undefined`: some of it is no longer kept. */
  after(number: number): readonly string[] | undefined {
    const { first } = this;
    return number + 1 < first ? undefined : this.messages.slice(this.forgotten + number + 1 - first);
  }

  clear(): void {
    this.messages = [];
    this.forgotten = this.size = 0;
  }

  private forgetFirst(): void {
    this.size -= this.messages[this.forgotten]!.length;
    this.messages[this.forgotten++] = '';
    if (this.forgotten < COMPACT_AT || this.forgotten * 2 < this.messages.length) return;
    this.messages.splice(0, this.forgotten);
    this.forgotten = 0;
  }
}
