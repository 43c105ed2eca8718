import { isUtf8 } from 'node:buffer';
import { MAX_DELAY } from '../protocol/max-delay.js';
import { refusal, type HttpRefusal } from '../server/upgrade/http-refusal.js';

/** Requests with messages of one connection that may be read or wait at once. */
const MAX_POSTS = 8;

const LINE_FEED = '\n';
const RETRY_SOON = { 'Retry-After': '1' };

export const GONE = refusal(404, 'No such connection: open another one');
export const TOO_MANY = refusal(429, 'Too many requests with messages at once', RETRY_SOON);
const NOT_READ = refusal(429, 'The connection is not read: send the same messages again', RETRY_SOON);
const GAP = refusal(409, 'A request with messages is missing');
const NO_NDJSON = refusal(400, 'The body must be UTF-8 text of one message on each line');

/** What a queue needs of its connection. */
interface PostOwner {
  readonly isPaused: boolean;
  readonly isEnded: boolean;
  takeMessage(text: string): void;
  /** Requests are missing, and did not come. */
  onGap(): void;
}

/** A request that waits for its turn. */
interface Post {
  readonly body: Buffer;
  readonly answer: (refused?: HttpRefusal) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * The requests with messages of one connection, in the order of their numbers. Each is taken as a whole, and once. One that
 * comes early waits for those before it.
 */
export class PostQueue {
  /** The number of the last one that was taken. */
  taken = 0;
  /** The requests whose bodies are being read: each function refuses one. */
  private readonly reading = new Set<() => void>();
  private readonly waiting = new Map<number, Post>();
  /** The text of the last one, while the connection is not read. */
  private text = '';
  private position = 0;
  private isAdvancing = false;

  /** @param maxWait milliseconds for which a request waits for those before it, or for the connection to be read */
  constructor(
    private readonly owner: PostOwner,
    private readonly maxWait: number,
  ) {}

  /** Whether the body of another request with messages may be read. */
  get hasRoom(): boolean {
    return this.reading.size + this.waiting.size < MAX_POSTS;
  }

  /** Counts a request whose body is about to be read. @param stop called if the connection ends before {@link leave} */
  enter(stop: () => void): void {
    this.reading.add(stop);
  }

  /** The body was read, or the client has disconnected. */
  leave(stop: () => void): void {
    this.reading.delete(stop);
  }

  /** Takes a request, now or later. Answers it once. */
  add(number: number, body: Buffer, answer: Post['answer']): void {
    if (this.owner.isEnded) return answer(GONE);
    if (number <= this.taken) return answer();
    if (number > this.taken + MAX_POSTS) return this.fail(answer);
    // the client repeats a request whose connection it has lost
    this.remove(number)?.answer(NOT_READ);
    const timer = setTimeout(() => this.expire(number), Math.min(this.maxWait, MAX_DELAY));
    timer.unref();
    this.waiting.set(number, { body, answer, timer });
    this.advance();
  }

  /** Reads on, as far as the connection is read. */
  advance(): void {
    // a message may release the connection that the one before it held
    if (this.isAdvancing) return;
    this.isAdvancing = true;
    try {
      this.readText();
      while (!this.owner.isPaused && !this.owner.isEnded && this.text === '') {
        const next = this.remove(this.taken + 1);
        if (next === undefined) return;
        this.taken++;
        this.take(next);
      }
    } finally {
      this.isAdvancing = false;
    }
  }

  private take({ body, answer }: Post): void {
    const text = isUtf8(body) ? body.toString() : undefined;
    if (text === undefined || text.includes('\n\n') || text.startsWith(LINE_FEED)) {
      answer(NO_NDJSON);
      // counts as one malformed message
      return this.owner.takeMessage('');
    }
    answer();
    this.text = text;
    this.position = 0;
    this.readText();
  }

  private readText(): void {
    const { text, owner } = this;
    while (this.position < text.length && !owner.isPaused && !owner.isEnded) {
      const end = text.indexOf(LINE_FEED, this.position);
      const message = text.slice(this.position, end === -1 ? undefined : end);
      this.position = end === -1 ? text.length : end + 1;
      owner.takeMessage(message);
    }
    if (this.position >= text.length) this.text = '';
  }

  private expire(number: number): void {
    const post = this.remove(number);
    if (post === undefined) return;
    if (!this.owner.isPaused && this.text === '') return this.fail(post.answer);
    post.answer(NOT_READ);
    // those behind it would otherwise be taken for a gap while the client waits to send it again
    this.refuseAll(NOT_READ);
  }

  private fail(answer: Post['answer']): void {
    answer(GAP);
    this.owner.onGap();
  }

  private remove(number: number): Post | undefined {
    const post = this.waiting.get(number);
    if (post === undefined) return undefined;
    clearTimeout(post.timer);
    this.waiting.delete(number);
    return post;
  }

  /** The connection has ended: takes nothing more. */
  close(): void {
    this.text = '';
    this.refuseAll(GONE);
    for (const stop of [...this.reading]) stop();
  }

  private refuseAll(refused: HttpRefusal): void {
    for (const number of [...this.waiting.keys()]) this.remove(number)?.answer(refused);
  }
}
