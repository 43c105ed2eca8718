/** A message of several parts: a text, and the binary frames that belong to it. */
export interface MultipartMessage {
  readonly text: string;
  readonly attachments: readonly Buffer[];
  /** Bytes of all parts. */
  readonly length: number;
}

/** A received message. Text that was read ahead of `ws` is a string already; everything else is bytes. */
export type Message = Buffer | string | MultipartMessage;

/** Returns the size of a message in bytes. */
export function byteLengthOf(message: Message): number {
  return typeof message === 'string' ? Buffer.byteLength(message) : message.length;
}
