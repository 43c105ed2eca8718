const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Encodes a JSON value, with `Uint8Array` for bytes, as PROTOCOL.md, section 24, says. */
export function encode(value) {
  const writer = new Writer();
  writer.value(value);
  return writer.bytes;
}

class Writer {
  #view = new DataView(new ArrayBuffer(256));
  #length = 0;

  get bytes() {
    return new Uint8Array(this.#view.buffer, 0, this.#length);
  }

  value(value) {
    if (value === null) this.#byte(0xc0);
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'string') this.#text(value);
    else if (value instanceof Uint8Array) {
      this.#head(value.length, undefined, 0xc4, 0xc5, 0xc6);
      this.#append(value);
    } else if (Array.isArray(value)) {
      this.#head(value.length, [0x90, 15], undefined, 0xdc, 0xdd);
      for (const item of value) this.value(item ?? null);
    } else {
      const fields = Object.entries(value).filter(([, field]) => field !== undefined);
      this.#head(fields.length, [0x80, 15], undefined, 0xde, 0xdf);
      for (const [name, field] of fields) {
        this.#text(name);
        this.value(field);
      }
    }
  }

  #number(value) {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.#put(0xcb, 8, 'setFloat64', value);
    else if (value >= 0 && value < 128) this.#byte(value);
    else if (value < 0 && value >= -32) this.#byte(value + 256);
    else if (value >= -(2 ** 31) && value < 2 ** 31) this.#put(0xd2, 4, 'setInt32', value);
    else this.#put(0xd3, 8, 'setBigInt64', BigInt(value));
  }

  #text(text) {
    const bytes = encoder.encode(text);
    this.#head(bytes.length, [0xa0, 31], 0xd9, 0xda, 0xdb);
    this.#append(bytes);
  }

  /** Writes a type and a length, in the shortest form that the type has. */
  #head(length, fixed, in8, in16, in32) {
    if (fixed !== undefined && length <= fixed[1]) this.#byte(fixed[0] + length);
    else if (in8 !== undefined && length < 256) this.#put(in8, 1, 'setUint8', length);
    else if (length < 65_536) this.#put(in16, 2, 'setUint16', length);
    else this.#put(in32, 4, 'setUint32', length);
  }

  #byte(value) {
    this.#reserve(1);
    this.#view.setUint8(this.#length++, value);
  }

  #put(type, size, method, value) {
    this.#byte(type);
    this.#reserve(size);
    this.#view[method](this.#length, value);
    this.#length += size;
  }

  #append(bytes) {
    this.#reserve(bytes.length);
    new Uint8Array(this.#view.buffer).set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(size) {
    if (this.#length + size <= this.#view.byteLength) return;
    const larger = new Uint8Array(Math.max(this.#view.byteLength * 2, this.#length + size));
    larger.set(this.bytes);
    this.#view = new DataView(larger.buffer);
  }
}

/** Decodes one value. @throws Error if the bytes are not exactly one value that PROTOCOL.md allows */
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.value();
  if (reader.left > 0) throw new Error('bytes after the value');
  return value;
}

class Reader {
  #bytes;
  #view;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left() {
    return this.#bytes.length - this.#at;
  }

  value() {
    const type = this.#get(1, 'getUint8');
    if (type < 0x80) return type;
    if (type < 0x90) return this.#map(type - 0x80);
    if (type < 0xa0) return this.#list(type - 0x90);
    if (type < 0xc0) return this.#text(type - 0xa0);
    if (type >= 0xe0) return type - 256;
    const read = TYPES[type];
    if (read === undefined) throw new Error(`type 0x${type.toString(16)} is not allowed`);
    const [kind, size, method] = read;
    if (kind === 'is') return size;
    const number = this.#get(size, method);
    if (kind === 'number') return Number(number);
    if (kind === 'text') return this.#text(number);
    if (kind === 'bytes') return this.#slice(number);
    return kind === 'list' ? this.#list(number) : this.#map(number);
  }

  #get(size, method) {
    const value = this.#view[method](this.#at);
    this.#at += size;
    return value;
  }

  #slice(length) {
    if (length > this.left) throw new Error('the message ends within a value');
    const slice = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return slice;
  }

  #text(length) {
    return decoder.decode(this.#slice(length));
  }

  #list(length) {
    // no Array(length): a message may promise more than it has
    const list = [];
    while (list.length < length) list.push(this.value());
    return list;
  }

  #map(length) {
    const fields = [];
    while (fields.length < length) fields.push([this.value(), this.value()]);
    // defines `__proto__` as a field like any other
    return Object.fromEntries(fields);
  }
}

const TYPES = {
  0xc0: ['is', null],
  0xc2: ['is', false],
  0xc3: ['is', true],
  0xc4: ['bytes', 1, 'getUint8'],
  0xc5: ['bytes', 2, 'getUint16'],
  0xc6: ['bytes', 4, 'getUint32'],
  0xca: ['number', 4, 'getFloat32'],
  0xcb: ['number', 8, 'getFloat64'],
  0xcc: ['number', 1, 'getUint8'],
  0xcd: ['number', 2, 'getUint16'],
  0xce: ['number', 4, 'getUint32'],
  0xcf: ['number', 8, 'getBigUint64'],
  0xd0: ['number', 1, 'getInt8'],
  0xd1: ['number', 2, 'getInt16'],
  0xd2: ['number', 4, 'getInt32'],
  0xd3: ['number', 8, 'getBigInt64'],
  0xd9: ['text', 1, 'getUint8'],
  0xda: ['text', 2, 'getUint16'],
  0xdb: ['text', 4, 'getUint32'],
  0xdc: ['list', 2, 'getUint16'],
  0xdd: ['list', 4, 'getUint32'],
  0xde: ['map', 2, 'getUint16'],
  0xdf: ['map', 4, 'getUint32'],
};
