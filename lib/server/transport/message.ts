/** A received message. Text that was read ahead of `ws` is a string already; everything else is bytes. */
export type Message = Buffer | string;
