import type { MultipartMessage } from '../server/transport/message.js';

/** Limits of a packet with attachments. */
export interface AssemblyLimits {
  /** Attachments of one packet. @default 10, as in `socket.io-parser` */
  readonly maxAttachments?: number;
  /** Bytes of the text and all attachments of one packet. */
  readonly maxPayload: number;
}

/** Why a packet cannot be put together. All of them end the connection. */
type AssemblyFault =
  /** A text arrived while attachments of the packet before were missing. */
  | 'unexpected text'
  /** A binary frame arrived, and no packet waits for attachments. */
  | 'unexpected bytes'
  | 'too many attachments'
  | 'too large';

const DEFAULT_MAX_ATTACHMENTS = 10;

/**
 * Puts a text and the binary frames after it together. One per connection, from its first packet with attachments on.
 * After a fault it holds nothing.
 */
export class PacketAssembler {
  private readonly maxAttachments: number;
  private readonly maxPayload: number;
  private text: string | undefined;
  private attachments: Buffer[] = [];
  private missing = 0;
  private length = 0;

  constructor({ maxAttachments = DEFAULT_MAX_ATTACHMENTS, maxPayload }: AssemblyLimits) {
    this.maxAttachments = maxAttachments;
    this.maxPayload = maxPayload;
  }

  /** Whether attachments are missing. Until they are here, a text of any kind is a fault. */
  get isWaiting(): boolean {
    return this.text !== undefined;
  }

  /** Bytes that wait for the rest of their packet. */
  get waitingBytes(): number {
    return this.length;
  }

  /**
   * Takes the text of a packet.
   *
   * @param attachments how many binary frames follow, at least 1
   * @returns the fault, if there is one
   */
  begin(text: string, attachments: number): AssemblyFault | undefined {
    if (this.isWaiting) return this.fail('unexpected text');
    if (attachments > this.maxAttachments) return this.fail('too many attachments');
    this.length = Buffer.byteLength(text);
    if (this.length > this.maxPayload) return this.fail('too large');
    this.text = text;
    this.missing = attachments;
    return undefined;
  }

  /**
   * Takes a binary frame.
   *
   * @returns the packet, if the frame was its last one; the fault, if there is one; `undefined` while frames are missing
   */
  add(bytes: Buffer): MultipartMessage | AssemblyFault | undefined {
    const { text, attachments } = this;
    if (text === undefined) return this.fail('unexpected bytes');
    this.length += bytes.length;
    if (this.length > this.maxPayload) return this.fail('too large');
    attachments.push(ownBytes(bytes));
    if (--this.missing > 0) return undefined;
    const { length } = this;
    this.clear();
    return { text, attachments, length };
  }

  /** Drops what waits: the connection has ended. */
  clear(): void {
    this.text = undefined;
    this.attachments = [];
    this.missing = 0;
    this.length = 0;
  }

  private fail(fault: AssemblyFault): AssemblyFault {
    this.clear();
    return fault;
  }
}

/** Copies bytes that are a small part of the memory that they are in: a few bytes would keep a whole TCP chunk alive. */
function ownBytes(bytes: Buffer): Buffer {
  return bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes;
}
