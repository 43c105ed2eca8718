import type { Aside } from '../protocol/payload.js';
import { bufferOf, isBytes, type Bytes } from '../server/transport/bytes.js';

type Container = Record<string | number, unknown>;

/** A packet is a snapshot: the application may write to its buffer while the packet waits. */
function copyOf(value: Bytes): Buffer {
  return Buffer.from(bufferOf(value));
}

/** Moves bytes out of a value while JSON is written. */
interface ByteCollector extends Aside {
  readonly attachments: Buffer[];
  /** Whether a value of the application looks like a placeholder. */
  readonly isAmbiguous: boolean;
}

/** Returns a collector that writes placeholders as `deconstructPacket` of `socket.io-parser` does. */
export function collectBytes(): ByteCollector {
  const attachments: Buffer[] = [];
  const collector = {
    attachments,
    isAmbiguous: false,
    takes: isBytes,
    replace(this: unknown, key: string, value: unknown): unknown {
      // `value` is what a toJSON has made of it
      const original = (this as Container)[key];
      const bytes = isBytes(original) ? original : value;
      if (isBytes(bytes)) return { _placeholder: true, num: attachments.push(copyOf(bytes)) - 1 };
      if (typeof value === 'object' && value !== null && isPlaceholder(value)) collector.isAmbiguous = true;
      return value;
    },
  };
  return collector;
}

/**
 * Puts the attachments of a packet in the places of their placeholders, in place, and at most once each: a packet that names
 * one attachment a thousand times would be a thousand times as large when it is sent on.
 *
 * @returns whether each placeholder names an attachment
 */
export function placeAttachments(values: unknown[], attachments: readonly Buffer[]): boolean {
  const unused: (Buffer | undefined)[] = [...attachments];
  // no recursion: the depth of a message may be unlimited
  const open: Container[] = [values as unknown as Container];
  const visit = (container: Container, key: string | number): boolean => {
    const value = container[key];
    if (typeof value !== 'object' || value === null) return true;
    if (!isPlaceholder(value)) return open.push(value as Container) > 0;
    const num = Object.hasOwn(value, 'num') ? (value as Container)['num'] : undefined;
    const attachment = typeof num === 'number' ? unused[num] : undefined;
    if (attachment === undefined) return false;
    unused[num as number] = undefined;
    // an own field, also where its name is `__proto__`: JSON.parse has defined it
    container[key] = attachment;
    return true;
  };
  for (let container = open.pop(); container !== undefined; container = open.pop()) {
    if (Array.isArray(container)) {
      for (let i = 0; i < container.length; i++)
        if (!visit(container as unknown as Container, i)) return false;
    } else {
      for (const key of Object.keys(container)) if (!visit(container, key)) return false;
    }
  }
  return true;
}

/** Own fields only: a polluted `Object.prototype` must not make a placeholder of every object. */
function isPlaceholder(value: object): boolean {
  return Object.hasOwn(value, '_placeholder') && (value as Container)['_placeholder'] === true;
}
