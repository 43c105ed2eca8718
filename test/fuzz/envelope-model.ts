/** The envelope as PROTOCOL.md has it, written from that page alone: what the parser is compared with. */

export interface LawLimits {
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

/** A message of the microservice protocol: it has `kind`, and is neither an event nor an answer. */
function isPacket(message: object): boolean {
  return Object.hasOwn(message, 'kind') && !Object.hasOwn(message, 'event') && !Object.hasOwn(message, 'ack');
}

function isRightPacket(message: object): boolean {
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

/** The codes of everything that is wrong with a message; several may be. */
export function faultsOf(message: unknown, { maxEventNameLength }: LawLimits): Set<string> {
  if (!isObject(message)) return new Set(['bad_frame']);
  const faults = new Set<string>();
  for (const name of ['id', 'ack'])
    if (Object.hasOwn(message, name) && !isUsableId(field(message, name))) faults.add('bad_id');
  if (Object.hasOwn(message, 'id') && Object.hasOwn(message, 'ack')) faults.add('bad_id');
  if (isPacket(message)) {
    if (!isRightPacket(message)) faults.add('bad_frame');
    return faults;
  }
  const event = field(message, 'event');
  const isNamed = typeof event === 'string' && event !== '' && event.length <= maxEventNameLength;
  const mayBeAbsent = Object.hasOwn(message, 'ack') && !Object.hasOwn(message, 'event');
  if (!isNamed && !mayBeAbsent) faults.add('bad_event');
  if (Object.hasOwn(message, 'meta') && !isObject(field(message, 'meta'))) faults.add('bad_frame');
  return faults;
}

/** What the fields of a right message say. */
export function fieldsOf(message: unknown): Record<string, unknown> {
  const object = message as object;
  if (isPacket(object)) {
    const [kind, pattern, payload, metadata = {}] = ['kind', 'pattern', 'payload', 'metadata'].map((name) =>
      field(object, name),
    );
    const asks = kind === 'message';
    return {
      ...{ event: undefined, data: undefined, id: field(object, 'id'), ack: undefined },
      ...{ meta: undefined, stream: asks, more: false, packet: { kind, pattern, payload, metadata } },
    };
  }
  const values = ['event', 'data', 'id', 'ack', 'meta'].map((name) => [name, field(object, name)] as const);
  const flags = ['stream', 'more'].map((name) => [name, field(object, name) === true] as const);
  return Object.fromEntries([...values, ...flags, ['packet', undefined]]);
}

/** The id that a refusal of the message answers. */
export function answeredId(message: unknown): unknown {
  const id = isObject(message) ? field(message, 'id') : undefined;
  return isUsableId(id) ? id : undefined;
}

/** How deep a value is nested. */
export function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

/** How deep the brackets of a JSON text are nested: more than its value, where a name comes twice. */
export function bracketDepth(json: string): number {
  let deepest = 0;
  let depth = 0;
  for (const bracket of json.replace(/"(?:[^"\\]|\\[^])*"/g, '')) {
    if ('[{'.includes(bracket)) deepest = Math.max(deepest, ++depth);
    if (']}'.includes(bracket)) depth--;
  }
  return deepest;
}
