import { override, type Internals } from './adapter-internals.js';

/**
 * Adapters that encode what they publish before `doPublish` or `publish` returns. Copies for them would cost time on
 * every message, and protect nothing. Any other adapter may keep a reference and encode later, as that of MongoDB does.
 */
const ENCODES_AT_ONCE: ReadonlySet<string> = new Set([
  'NodeClusterAdapter',
  'PostgresAdapter',
  'RedisAdapter',
  'RedisStreamsAdapter',
  'ShardedRedisAdapter',
]);

interface Message {
  readonly data?: { readonly packet?: { readonly data?: unknown } | null } | null;
}

/**
 * Gives an adapter messages that nobody changes afterwards. `ClusterAdapter` numbers a packet and appends an offset to
 * it after it was published, and applications change the objects that they emitted.
 *
 * @param publisher the adapter's method that sends a message to the other nodes; `undefined` where it has none
 */
export function snapshotMessages(adapter: Internals, publisher: 'doPublish' | 'publish' | undefined): void {
  if (ENCODES_AT_ONCE.has(adapter.constructor.name)) return;
  // an adapter without such a method sends from the public ones
  for (const name of publisher === undefined
    ? ['broadcast', 'serverSideEmit']
    : [publisher, 'persistSession'])
    override(
      adapter,
      name,
      (send) =>
        (message, ...rest) =>
          send(snapshot(message), ...rest),
    );
  override(adapter, 'doPublishResponse', (respond) => async (requester, response) => {
    await respond(requester, snapshot(response));
  });
  // the other nodes of the process may get the same object
  override(
    adapter,
    'onMessage',
    (take) =>
      (message, ...rest) =>
        take(withOwnPacket(message as Message), ...rest),
  );
}

/** A message whose packet `ClusterAdapter` may change. */
function withOwnPacket(message: Message): Message {
  const { data } = Object(message) as Message;
  const packet = data?.packet;
  if (!Array.isArray(packet?.data)) return message;
  return { ...message, data: { ...data, packet: { ...packet, data: [...(packet.data as unknown[])] } } };
}

/**
 * Copies plain objects and arrays, all the way down. What says itself how it is encoded, such as a `Date` or a `Buffer`,
 * stays the same object.
 *
 * @throws TypeError on an object that contains itself
 */
export function snapshot<Value>(value: Value, parents: readonly unknown[] = []): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set) return value;
  if (typeof Reflect.get(value, 'toJSON') === 'function') return value;
  if (parents.includes(value)) throw new TypeError('a message contains itself');
  const path = [...parents, value];
  if (Array.isArray(value)) return value.map((item: unknown) => snapshot(item, path)) as Value;
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, snapshot(item, path)]);
  return Object.fromEntries(entries) as Value;
}
