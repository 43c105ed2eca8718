import { isBytes } from '../transport/bytes.js';
import { override, type Internals } from './adapter-internals.js';

/**
 * Adapters that encode a message before `doPublish` or `publish` returns. They need no copies, which would cost time on
 * every message. Any other adapter may keep a reference and encode later, as that of MongoDB does.
 */
const ENCODES_SYNCHRONOUSLY: ReadonlySet<string> = new Set([
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
 * Makes an adapter publish copies, so that later changes do not affect a message. `ClusterAdapter` adds an id and an
 * offset to a packet after it was published, and applications change objects after they emitted them.
 *
 * @param publisher the adapter's method that sends a message to the other nodes; `undefined` if it has none
 */
export function snapshotMessages(adapter: Internals, publisher: 'doPublish' | 'publish' | undefined): void {
  if (ENCODES_SYNCHRONOUSLY.has(adapter.constructor.name)) return;
  // an adapter without such a method sends from its public methods
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
  // several nodes in one process may receive the same object
  override(
    adapter,
    'onMessage',
    (receive) =>
      (message, ...rest) =>
        receive(copyPacket(message as Message), ...rest),
  );
}

/** Returns a message with a copy of its packet, which `ClusterAdapter` may change. */
function copyPacket(message: Message): Message {
  const { data } = Object(message) as Message;
  const packet = data?.packet;
  if (!Array.isArray(packet?.data)) return message;
  return { ...message, data: { ...data, packet: { ...packet, data: [...(packet.data as unknown[])] } } };
}

/**
 * Copies plain objects and arrays recursively. Values that define their encoding, such as a `Date` or a `Buffer`, are
 * not copied.
 *
 * @throws TypeError on an object that contains itself
 */
export function snapshot<Value>(value: Value, parents: readonly unknown[] = []): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (isBytes(value) || value instanceof Map || value instanceof Set) return value;
  if (typeof Reflect.get(value, 'toJSON') === 'function') return value;
  if (parents.includes(value)) throw new TypeError('a message contains itself');
  const path = [...parents, value];
  if (Array.isArray(value)) return value.map((item: unknown) => snapshot(item, path)) as Value;
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, snapshot(item, path)]);
  return Object.fromEntries(entries) as Value;
}
