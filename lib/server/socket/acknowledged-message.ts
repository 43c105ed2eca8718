import type { RequestId } from '../../protocol/envelope.js';
import { IncomingRequest, type Asker } from './incoming-request.js';

/** Ids of these messages: no integers, so that they differ from the ids that clients choose. */
let keys = 0.25;

/**
 * A message of Socket.IO's protocol that wants an acknowledgement. It is in flight until its handlers have ended. The
 * acknowledgement is sent when it is called, once, also later, or never.
 */
export class AcknowledgedMessage extends IncomingRequest {
  private isAcknowledged = false;

  constructor(
    asker: Asker,
    event: string,
    /** The id of the acknowledgement. Clients may use one twice: each message gets its own. */
    private readonly acknowledgementId: RequestId,
    /** Sends an exception, which is an event here and no acknowledgement. */
    private readonly sendException: (payload: object) => void,
  ) {
    super(asker, event, keys++, false);
  }

  /** Sends the acknowledgement with these arguments. Only the first call counts. */
  override acknowledge(values: readonly unknown[]): void {
    if (this.isAcknowledged || this.isAbandoned) return;
    this.isAcknowledged = true;
    this.send(values);
  }

  /** Sends the acknowledgement with one argument, and ends the message. */
  override answer(data?: unknown): void {
    this.acknowledge([data]);
    this.end();
  }

  /** Sends an exception, and ends the message without an acknowledgement. */
  override fail(payload: unknown): void {
    if (this.done) return;
    this.markFailed(payload);
    this.sendException(payload as object);
    this.end();
  }

  /** Counts the message as a stream, since its source may never end. */
  countAsStream(): void {
    this.hasGiven = true;
  }

  /** Ends the message: its handlers have ended. */
  end(): void {
    this.finish();
  }

  /** A source that has given a value may never end. */
  override get isStreaming(): boolean {
    return this.hasSource && this.hasGiven;
  }

  protected override encode(event: string, data: unknown): ReturnType<Asker['encode']> {
    return this.asker.encode(event, data, this.acknowledgementId, false);
  }

  private send(values: readonly unknown[]): void {
    try {
      this.asker.send(this.encode(this.event, values));
    } catch (error) {
      this.reportUnwritable(error);
    }
  }
}
