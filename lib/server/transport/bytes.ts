import { types } from 'node:util';
import type { Aside } from '../../protocol/payload.js';

/** Bytes in any of JavaScript's forms. */
export type Bytes = ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

export function isBytes(value: unknown): value is Bytes {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);
}

/** Returns the bytes as a buffer over the same memory. */
export function bufferOf(value: Bytes): Buffer {
  return ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value);
}

/** Writes bytes as base64 text, for clients that read JSON. */
export const BASE64: Aside = {
  takes: isBytes,
  replace(this: unknown, key: string, value: unknown): unknown {
    // `value` is what a toJSON has made of it
    const original = (this as Record<string, unknown>)[key];
    if (isBytes(original)) return bufferOf(original).toString('base64');
    return isBytes(value) ? bufferOf(value).toString('base64') : value;
  },
};
