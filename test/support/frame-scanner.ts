/** The opcode of a close frame. */
const CLOSE = 8;

/** The bytes of a payload that are kept: enough to identify a message, and for a close frame's code and reason. */
const MAX_KEPT = 125;

export interface ScannedFrame {
  opcode: number;
  /** The payload's first bytes. */
  start: Buffer;
}

/** Parses a stream of unmasked frames, and keeps only the start of each payload. */
export class FrameScanner {
  private head = Buffer.alloc(0);
  private current: ScannedFrame | undefined;
  private left = 0;

  constructor(private readonly onFrame: (frame: ScannedFrame) => void) {}

  /** Whether the last received byte was in the middle of a frame. */
  get isInsideFrame(): boolean {
    return this.current !== undefined || this.head.length > 0;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0)
      rest = this.current === undefined ? this.begin(rest) : this.continue(this.current, rest);
  }

  private begin(chunk: Buffer): Buffer {
    const bytes = Buffer.concat([this.head, chunk]);
    const short = bytes.length < 2 ? 0 : bytes[1]! & 0x7f;
    const size = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    if (bytes.length < size) {
      this.head = bytes;
      return Buffer.alloc(0);
    }
    this.head = Buffer.alloc(0);
    this.left = size === 2 ? short : size === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    this.current = { opcode: bytes[0]! & 0x0f, start: Buffer.alloc(0) };
    if (this.left === 0) this.finish(this.current);
    return bytes.subarray(size);
  }

  private continue(frame: ScannedFrame, bytes: Buffer): Buffer {
    const taken = bytes.subarray(0, this.left);
    if (frame.start.length < MAX_KEPT)
      frame.start = Buffer.concat([frame.start, taken.subarray(0, MAX_KEPT - frame.start.length)]);
    this.left -= taken.length;
    if (this.left === 0) this.finish(frame);
    return bytes.subarray(taken.length);
  }

  private finish(frame: ScannedFrame): void {
    this.current = undefined;
    this.onFrame(frame);
  }
}

/** Returns the code and reason of a close frame, or `undefined` for another frame. */
export function closeOf({ opcode, start }: ScannedFrame): { code: number; reason: string } | undefined {
  if (opcode !== CLOSE) return undefined;
  return { code: start.length < 2 ? 1005 : start.readUInt16BE(), reason: start.subarray(2).toString() };
}
