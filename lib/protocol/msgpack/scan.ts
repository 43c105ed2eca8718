/** The limits of one message. */
export interface ScanLimits {
  /** Nesting depth of maps and arrays. */
  readonly maxDepth: number;
  /** Values in all: each map, array, key, text, number and so on is one. */
  readonly maxValues: number;
}

/** What a message contains, besides what its values say. */
export interface Contents {
  /** Whether it has bytes: a reader returns them as a view of its input. */
  hasBytes: boolean;
  /** Whether a map has the key `__proto__`. */
  hasProto: boolean;
  /** Whether it is nested deeper than the limit. */
  isTooDeep: boolean;
  /** The fields `id` and `ack` whose value is a float, which is no id, not even `1.0`. */
  readonly floatIds: string[];
  /** The fields other than `data` and `payload` that have bytes. */
  readonly misplacedBytes: string[];
}

/** The fields of a message that may have bytes. */
const PAYLOADS: ReadonlySet<string> = new Set(['data', 'payload']);
const TWO_32 = 2 ** 32;
/** From this many keys on, a map's duplicate keys are found by a set. */
const MANY_KEYS = 8;

/** An array or a map that is being read. */
interface Open {
  /** Values that are still to come: a map has two for each entry. */
  left: number;
  readonly isMap: boolean;
  /** Of a map: where each key begins and ends, or the keys themselves where there are many. */
  readonly keys: number[];
  readonly names: Set<string> | undefined;
}

/**
 * Checks the bytes of one message before they are decoded (PROTOCOL.md, section 24): exactly one value, a map, whose keys are
 * texts and different, with texts in UTF-8, integers within ±(2^53 − 1), finite floats, and no extension types. It reserves
 * nothing that a header promises, and does not recurse: a decoder that runs afterwards meets only what is there.
 *
 * @param isUtf8 whether some bytes are UTF-8; not called for ASCII
 * @returns what is wrong, or what the message contains
 */
export function scan(
  bytes: Uint8Array,
  limits: ScanLimits,
  isUtf8: (bytes: Uint8Array) => boolean,
): string | Contents {
  return new Scanner(bytes, limits, isUtf8).scan();
}

class Scanner implements Contents {
  hasBytes = false;
  hasProto = false;
  isTooDeep = false;
  readonly floatIds: string[] = [];
  readonly misplacedBytes: string[] = [];
  private readonly view: DataView;
  private readonly open: Open[] = [];
  private position = 0;
  /** The field of the message that is being read. */
  private field = '';

  constructor(
    private readonly bytes: Uint8Array,
    private readonly limits: ScanLimits,
    private readonly isUtf8: (bytes: Uint8Array) => boolean,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  scan(): string | Contents {
    const { bytes, open } = this;
    const { maxValues } = this.limits;
    let values = 0;
    do {
      if (++values > maxValues) return `it has more than ${maxValues} values`;
      const head = bytes[this.position++];
      if (head === undefined) return TOO_SHORT;
      const around = open.at(-1);
      if (around === undefined && !isMapHead(head)) return 'it is not a map';
      if (around?.isMap === true && around.left % 2 === 0 && !isTextHead(head)) return 'a key is not a text';
      const wrong = this.readValue(head);
      if (wrong !== undefined) return wrong;
      // the value that was read belongs to the level that was open before it
      if (around !== undefined) around.left--;
      while (open.at(-1)?.left === 0) open.pop();
    } while (open.length > 0);
    return this.position === bytes.length ? this : 'bytes follow it';
  }

  /** Reads one value, or the head of an array or a map. @returns what is wrong */
  private readValue(head: number): string | undefined {
    if (head < 0x80 || head >= 0xe0) return undefined;
    if (head < 0x90) return this.enter(head & 0x0f, true);
    if (head < 0xa0) return this.enter(head & 0x0f, false);
    if (head < 0xc0) return this.readText(head & 0x1f);
    switch (head) {
      case 0xc0: // nil
      case 0xc2: // false
      case 0xc3: // true
        return undefined;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.readBytes(this.readLength(1 << (head - 0xc4)));
      case 0xca:
        return this.readFloat(4);
      case 0xcb:
        return this.readFloat(8);
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.skip(1 << (head - 0xcc));
      case 0xcf:
        return this.readLong(false);
      case 0xd0:
      case 0xd1:
      case 0xd2:
        return this.skip(1 << (head - 0xd0));
      case 0xd3:
        return this.readLong(true);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.readText(this.readLength(1 << (head - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.enter(this.readLength(2 << (head - 0xdc)), false);
      case 0xde:
      case 0xdf:
        return this.enter(this.readLength(2 << (head - 0xde)), true);
      default:
        return 'it has an extension type';
    }
  }

  /** Opens an array or a map. */
  private enter(count: number, isMap: boolean): string | undefined {
    const left = isMap ? count * 2 : count;
    // each value takes a byte at least: more than that cannot be there
    if (left > this.bytes.length - this.position) return TOO_SHORT;
    if (this.open.length >= this.limits.maxDepth) this.isTooDeep = true;
    const names = isMap && count > MANY_KEYS ? new Set<string>() : undefined;
    this.open.push({ left, isMap, keys: [], names });
    return undefined;
  }

  private readText(length: number): string | undefined {
    const { bytes, position } = this;
    const end = position + length;
    if (end > bytes.length) return TOO_SHORT;
    for (let i = position; i < end; i++)
      if (bytes[i]! > 0x7f) {
        if (!this.isUtf8(bytes.subarray(position, end))) return 'a text is not UTF-8';
        break;
      }
    this.position = end;
    const map = this.open.at(-1);
    return map?.isMap === true && map.left % 2 === 0 ? this.takeKey(map, position, end) : undefined;
  }

  private takeKey(map: Open, start: number, end: number): string | undefined {
    const { bytes } = this;
    if (isKnownKey(bytes, map, start, end)) return 'a map has a key twice';
    if (this.open.length === 1) this.field = asText(bytes, start, end);
    this.hasProto ||= end - start === PROTO.length && asText(bytes, start, end) === PROTO;
    return undefined;
  }

  private readBytes(length: number): string | undefined {
    if (!PAYLOADS.has(this.field)) this.misplacedBytes.push(this.field);
    this.hasBytes = true;
    return this.skip(length);
  }

  private skip(length: number): string | undefined {
    if (length > this.bytes.length - this.position) return TOO_SHORT;
    this.position += length;
    return undefined;
  }

  private readFloat(size: 4 | 8): string | undefined {
    const { view, position } = this;
    const wrong = this.skip(size);
    if (wrong !== undefined) return wrong;
    if (!Number.isFinite(size === 4 ? view.getFloat32(position) : view.getFloat64(position)))
      return 'a number is not finite';
    if (this.open.length === 1 && (this.field === 'id' || this.field === 'ack'))
      this.floatIds.push(this.field);
    return undefined;
  }

  private readLong(isSigned: boolean): string | undefined {
    const { view, position } = this;
    const wrong = this.skip(8);
    if (wrong !== undefined) return wrong;
    const high = isSigned ? view.getInt32(position) : view.getUint32(position);
    return Number.isSafeInteger(high * TWO_32 + view.getUint32(position + 4))
      ? undefined
      : 'an integer is beyond 2^53 - 1';
  }

  /** Returns the length in the next bytes; infinite where they are not there. */
  private readLength(size: number): number {
    const { view, position } = this;
    if (this.skip(size) !== undefined) return Infinity;
    return size === 1
      ? view.getUint8(position)
      : size === 2
        ? view.getUint16(position)
        : view.getUint32(position);
  }
}

const TOO_SHORT = 'it ends too early';
const PROTO = '__proto__';

function isMapHead(head: number): boolean {
  return (head >= 0x80 && head < 0x90) || head === 0xde || head === 0xdf;
}

function isTextHead(head: number): boolean {
  return (head >= 0xa0 && head < 0xc0) || (head >= 0xd9 && head <= 0xdb);
}

/** Adds a key to those of its map. @returns whether the map has it already */
function isKnownKey(bytes: Uint8Array, { keys, names }: Open, start: number, end: number): boolean {
  if (names !== undefined) {
    const { size } = names;
    names.add(asText(bytes, start, end));
    return names.size === size;
  }
  for (let i = 0; i < keys.length; i += 2)
    if (keys[i + 1]! - keys[i]! === end - start && areEqual(bytes, keys[i]!, start, end)) return true;
  keys.push(start, end);
  return false;
}

function areEqual(bytes: Uint8Array, other: number, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== bytes[other + i - start]) return false;
  return true;
}

/** Returns bytes as a text with one character for each: the same text for the same bytes. */
function asText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
