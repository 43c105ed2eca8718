import { RequestError } from '../../client/node.js';
import { nearest } from '../../protocol/refuse.js';
import { usageError } from '../arguments.js';
import { atMost, pause } from '../at-most.js';
import type { CliConnection } from '../connection/open-connection.js';
import { parseData, readData } from '../data.js';
import type { Output } from '../output.js';
import { parseDuration } from '../parse-duration.js';
import type { FrameLog } from './frame-log.js';

/** What the user can write in a line, for the help and for completion. */
export const LINES: Readonly<Record<string, readonly [example: string, text: string]>> = {
  emit: ['emit <event> [data]', 'send an event'],
  ask: ['ask <event> [data]', 'send a request'],
  stream: ['stream <event> [data]', 'request all values of a stream'],
  cancel: ['cancel', 'cancel all requests and streams that are not finished'],
  auth: ['auth <token or JSON>', 'send other credentials'],
  wait: ['wait [time]', 'wait for all answers, or for a time: for scripts'],
  help: ['help', 'print this list'],
  exit: ['exit', 'close the connection; Ctrl-D does it, too'],
};

/** The requests that a user makes on one connection, line by line. */
export class Session {
  /** Whether a line could not be run. */
  hasFailed = false;
  #cancellation = new AbortController();

  constructor(
    private readonly connection: CliConnection,
    private readonly log: FrameLog,
    private readonly output: Output,
    /** Milliseconds to wait for an answer. */
    private readonly timeout: number,
    /** Aborts when the command ends. */
    private readonly signal: AbortSignal,
  ) {}

  /**
   * Runs one line. Does not wait for answers.
   *
   * @returns whether the user wants to go on
   */
  async run(line: string): Promise<boolean> {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) return true;
    try {
      return await this.#run(text);
    } catch (error) {
      this.#failed(error);
      return true;
    }
  }

  /** Cancels all requests and streams that are not finished. */
  cancel(): void {
    this.#cancellation.abort();
    this.#cancellation = new AbortController();
  }

  /** Waits for the answers that are missing, at most for the timeout of an answer, and cancels the streams that have not ended. */
  async settle(): Promise<void> {
    await atMost(this.timeout, this.log.idle(), this.signal);
    const count = this.log.unanswered;
    if (count > 0 && !this.signal.aborted)
      this.#report(`no answer to ${count} requests within ${this.timeout} ms`);
    this.cancel();
  }

  async #run(text: string): Promise<boolean> {
    if (text.startsWith('{')) {
      this.connection.sendText(text);
      return true;
    }
    const [, name = '', rest = ''] = /^(\S+)\s*([^]*)$/.exec(text) ?? [];
    switch (name) {
      case 'emit':
      case 'ask':
      case 'stream':
        await this.#send(name, rest);
        return true;
      case 'cancel':
        this.cancel();
        return true;
      case 'auth':
        if (rest === '') throw usageError('auth needs a token, or credentials as a JSON object');
        void this.#watch(this.connection.authenticate(credentialsOf(rest)));
        return true;
      case 'wait':
        await this.#wait(rest);
        return true;
      case 'help':
        for (const [example, explanation] of Object.values(LINES))
          this.output.note(['bold', example.padEnd(22)], ` ${explanation}`);
        this.output.note(['bold', '{"event": …}'.padEnd(22)], ' send this message as it is');
        return true;
      case 'exit':
        return false;
      default:
        throw usageError(describeUnknown(name));
    }
  }

  async #wait(time: string): Promise<void> {
    if (time === '') return atMost(this.timeout, this.log.idle(), this.signal);
    const milliseconds = parseDuration(time);
    if (milliseconds === undefined) throw usageError(`${JSON.stringify(time)} is no time: wait 500ms`);
    return pause(milliseconds, this.signal);
  }

  async #send(kind: 'emit' | 'ask' | 'stream', rest: string): Promise<void> {
    const [, event = '', argument] = /^(\S+)(?:\s+([^]+))?$/.exec(rest) ?? [];
    if (event === '') throw usageError(`${kind} needs an event: ${LINES[kind]![0]}`);
    // - would read the lines that follow
    const data = argument === '-' ? argument : await readData('data', argument);
    const args = data === undefined ? [] : [data];
    const { socket } = this.connection;
    const { signal } = this.#cancellation;
    if (kind === 'emit') socket.emit(event, ...args);
    else if (kind === 'ask') void this.#watch(socket.signal(signal).emitWithAck(event, ...args));
    else void this.#watch(drain(socket.stream(event, data, { signal })));
  }

  /** Reports an error that no message of the server shows. */
  async #watch(request: Promise<unknown>): Promise<void> {
    const { signal } = this.#cancellation;
    try {
      await request;
    } catch (error) {
      if (!(error instanceof RequestError) && !signal.aborted) this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#report(error instanceof Error ? error.message : String(error));
  }

  #report(message: string): void {
    this.hasFailed = true;
    this.output.failure(message);
  }
}

/** Reads all values; the log of messages shows them. */
async function drain(values: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of values);
}

function credentialsOf(text: string): string | Readonly<Record<string, unknown>> {
  const value = parseData(text);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : text.trim();
}

function describeUnknown(name: string): string {
  const near = nearest(name, Object.keys(LINES));
  const hint =
    near === undefined
      ? `Write "emit ${name}" to send an event of that name, or help for a list.`
      : `Did you mean "${near}"?`;
  return `unknown word ${JSON.stringify(name)}. ${hint}`;
}
