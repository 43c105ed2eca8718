/** A model of the envelope, written from PROTOCOL.md alone. The parser is compared with it. */

export interface ModelLimits {
  readonly maxEventNameLength: number;
  readonly maxJsonDepth: number;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  Object.prototype.toString.call(value) === '[object Object]';

const field = (message: object, name: string): unknown =>
  Object.getOwnPropertyDescriptor(message, name)?.value as unknown;

export function isUsableId(value: unknown): value is string | number {
  if (typeof value === 'string') return /^[^]{1,64}$/.test(value);
  return typeof value === 'number' && Math.abs(value) < 2 ** 53 && Math.floor(value) === value;
}

/** Whether it is a message of the microservice protocol: it has `kind`, and neither `event` nor `ack`. */
function isPacket(message: object): boolean {
  return Object.hasOwn(message, 'kind') && !Object.hasOwn(message, 'event') && !Object.hasOwn(message, 'ack');
}

function isValidPacket(message: object): boolean {
  const pattern = field(message, 'pattern');
  const text = typeof pattern === 'string' ? pattern : JSON.stringify(pattern ?? null);
  const isPattern = ['string', 'number'].includes(typeof pattern) || isObject(pattern);
  const metadata = field(message, 'metadata');
  return (
    ['message', 'event'].includes(field(message, 'kind') as string) &&
    isPattern &&
    text.length <= 1_024 &&
    (metadata === undefined || isObject(metadata))
  );
}

/** Returns the codes of all faults of a message. */
export function faultsOf(message: unknown, { maxEventNameLength }: ModelLimits): Set<string> {
  if (!isObject(message)) return new Set(['bad_frame']);
  const faults = new Set<string>();
  for (const name of ['id', 'ack'])
    if (Object.hasOwn(message, name) && !isUsableId(field(message, name))) faults.add('bad_id');
  if (Object.hasOwn(message, 'id') && Object.hasOwn(message, 'ack')) faults.add('bad_id');
  if (isPacket(message)) {
    if (!isValidPacket(message)) faults.add('bad_frame');
    return faults;
  }
  const event = field(message, 'event');
  const isNamed = typeof event === 'string' && event !== '' && event.length <= maxEventNameLength;
  const mayBeAbsent = Object.hasOwn(message, 'ack') && !Object.hasOwn(message, 'event');
  if (!isNamed && !mayBeAbsent) faults.add('bad_event');
  if (Object.hasOwn(message, 'meta') && !isObject(field(message, 'meta'))) faults.add('bad_frame');
  return faults;
}

/** Returns the fields of a valid message. */
export function fieldsOf(message: unknown): Record<string, unknown> {
  const object = message as object;
  if (isPacket(object)) {
    const [kind, pattern, payload, metadata = {}] = ['kind', 'pattern', 'payload', 'metadata'].map((name) =>
      field(object, name),
    );
    const isRequest = kind === 'message';
    return {
      ...{ event: undefined, data: undefined, id: field(object, 'id'), ack: undefined },
      ...{ meta: undefined, stream: isRequest, more: false, packet: { kind, pattern, payload, metadata } },
    };
  }
  const values = ['event', 'data', 'id', 'ack', 'meta'].map((name) => [name, field(object, name)] as const);
  const flags = ['stream', 'more'].map((name) => [name, field(object, name) === true] as const);
  return Object.fromEntries([...values, ...flags, ['packet', undefined]]);
}

/** Returns the id that a refusal of the message carries. */
export function answeredId(message: unknown): unknown {
  const id = isObject(message) ? field(message, 'id') : undefined;
  return isUsableId(id) ? id : undefined;
}

/** Returns the nesting depth of a value. */
export function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

/** Returns the nesting depth of the brackets of a JSON text. It exceeds that of its value when a name appears twice. */
export function bracketDepth(json: string): number {
  let deepest = 0;
  let depth = 0;
  for (const bracket of json.replace(/"(?:[^"\\]|\\[^])*"/g, '')) {
    if ('[{'.includes(bracket)) deepest = Math.max(deepest, ++depth);
    if (']}'.includes(bracket)) depth--;
  }
  return deepest;
}
