import { encode } from '@msgpack/msgpack';
import { Client } from 'pg';
import { createClient, type RedisClientType } from 'redis';
import type { Random } from '../../support/random.js';
import { prefixOf, type Backend } from './backends.js';
import type { ClusterNode } from './node-process.js';
import { classicMessages, clusterMessages, makeGarbage, type Json } from './garbage.js';

/** Sends one malformed message to the channels of a backend. */
export type SendGarbage = (backend: Backend, random: Random) => Promise<unknown>;

const PATH = '/ws';
const asJson = (message: Json): Buffer => Buffer.from(JSON.stringify(message));
/** The adapters accept both encodings. */
const asEither = (random: Random): ((message: Json) => Uint8Array) => (random.chance(0.5) ? asJson : encode);

const cleanups: (() => Promise<unknown>)[] = [];
afterAll(() => Promise.all(cleanups.splice(0).map((cleanup) => cleanup())));

/** @param node one of the subscribed nodes: each node has its own channels */
export async function sendToRedis(
  url: string,
  backends: readonly Backend[],
  node: ClusterNode,
): Promise<SendGarbage> {
  const client: RedisClientType = createClient({ url });
  await client.connect();
  cleanups.push(() => client.close());
  const uids = new Map<Backend, string>();
  for (const backend of backends) uids.set(backend, await node.uid(backend));
  return (backend, random) => {
    const prefix = prefixOf(backend);
    const uid = uids.get(backend)!;
    const channelOfAll = `${prefix}#${PATH}#`;
    if (backend.startsWith('classic')) {
      const { messages, requests, answers } = classicMessages();
      const [channel, intact] = random.pick([
        [channelOfAll, messages],
        [`${channelOfAll}room#`, messages],
        [`${prefix}-request#${PATH}#`, requests],
        [`${prefix}-response#${PATH}#`, answers],
        [`${prefix}-response#${PATH}#${uid}#`, answers],
      ] as const);
      return client.publish(channel, makeGarbage(random, intact, asEither(random)));
    }
    const garbage = (): Buffer => makeGarbage(random, clusterMessages(), asEither(random));
    if (backend.startsWith('sharded'))
      return client.sPublish(
        random.pick([channelOfAll, `${channelOfAll}room#`, `${channelOfAll}${uid}#`]),
        garbage(),
      );
    if (random.chance(0.4))
      return client.publish(random.pick([channelOfAll, `${channelOfAll}${uid}#`]), garbage());
    return client.xAdd(prefix, '*', fieldsOf(random));
  };
}

/** Returns the fields of a stream entry, one of them damaged or missing. */
function fieldsOf(random: Random): Record<string, string | Buffer> {
  const { uid, nsp, type, data } = random.pick(clusterMessages()) as Record<string, Json>;
  const bytes = makeGarbage(random, [data!], asEither(random));
  const fields: Record<string, string | Buffer> = {
    uid: String(uid),
    nsp: String(nsp),
    type: String(type),
    data: random.pick([bytes, bytes.toString('base64'), bytes.toString()]),
  };
  const field = random.pick(Object.keys(fields));
  if (random.chance(0.2)) fields[field] = makeGarbage(random, [data!], encode);
  else if (random.chance(0.1)) delete fields[field];
  return fields;
}

/** The maximum length of a notification. */
const LONGEST = 7_900;

export async function sendToPostgres(url: string): Promise<SendGarbage> {
  const client = new Client({ connectionString: url });
  await client.connect();
  cleanups.push(() => client.end());
  const notify = (payload: string): Promise<unknown> =>
    client.query('SELECT pg_notify($1, $2)', [`socket.io#${PATH}`, payload]);
  return async (_backend, random) => {
    // Long and binary payloads are stored in a table, and the notification contains their id. Some ids do not exist.
    if (random.chance(0.2)) {
      const payload = makeGarbage(random, clusterMessages(), encode);
      const insert = 'INSERT INTO socket_io_attachments (payload) VALUES ($1) RETURNING id';
      const { rows } = await client.query<{ id: string }>(insert, [payload]);
      const attachmentId = random.chance(0.9) ? rows[0]!.id : random.pick(['', 'x', '-1', []]);
      return notify(JSON.stringify({ uid: 'x', type: 3, nsp: PATH, attachmentId }));
    }
    const text = makeGarbage(random, clusterMessages(), asJson).toString();
    // PostgreSQL itself accepts no other text.
    return notify(text.replaceAll('\0', ' ').slice(0, LONGEST));
  };
}

/** @param worker an additional worker without clients: it sends what any worker can send */
export function sendToCluster(worker: ClusterNode): SendGarbage {
  return (_backend, random) => {
    let message: unknown = makeGarbage(random, clusterMessages(), asJson).toString();
    try {
      message = JSON.parse(message as string);
    } catch {
      // It stays a string.
    }
    const isObject = typeof message === 'object' && message !== null;
    // The primary forwards only messages that are marked as those of an adapter.
    if (isObject && random.chance(0.95))
      Object.assign(message as object, { source: '_sio_adapter', nsp: PATH });
    return worker.send(message as object);
  };
}
