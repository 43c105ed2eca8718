import { gatherArguments } from './redis-emitter.js';
import { override, type Internals, type Method } from './adapter-internals.js';
import type { Publications } from './publications.js';
import { checkBroadcast, checkTarget } from '../rooms/target.js';
import { watched } from './tolerant-client.js';

/** Where adapters take what comes from other nodes: anybody who reaches the broker can write there. */
const ENTRANCES = [
  'onMessage',
  'onResponse',
  'onRawMessage',
  'onEvent',
  'onmessage',
  'onrequest',
  'onresponse',
];
/** The broker's clients, where an adapter has them as fields. */
const CLIENTS = ['pubClient', 'subClient'];
/**
 * Drops what an adapter cannot read: most of them would throw into their broker's client, and some end the process.
 *
 * @param dropped hears of each
 */
export function dropGarbage(adapter: Internals, dropped: (error: unknown) => void): void {
  const guard =
    (take: Method): Method =>
    (...args) => {
      try {
        const taken = take(...args);
        return taken instanceof Promise ? taken.catch(dropped) : taken;
      } catch (error) {
        dropped(error);
        return undefined;
      }
    };
  checkTargets(adapter);
  for (const entrance of ENTRANCES) override(adapter, entrance, guard);
  rebind(adapter);
}

/** What `ClusterAdapter` does to the sockets of a target, and MongoDB's adapter: broadcast, and join, leave, disconnect, fetch. */
const BROADCAST = 3;
const AIMED: ReadonlySet<unknown> = new Set([4, 5, 6, 7]);

interface Aimed {
  readonly uid?: unknown;
  readonly type?: unknown;
  readonly data?: { readonly opts?: unknown; readonly packet?: unknown };
  readonly opts?: unknown;
}

/** Adapters would take a damaged target, one without rooms, for everybody. */
function checkTargets(adapter: Internals): void {
  const checkAimed = (message: unknown): void => {
    const { uid, type, data } = message as Aimed;
    if (type === BROADCAST) {
      checkBroadcast(data);
      gatherArguments(uid, data?.packet);
    } else if (AIMED.has(type)) checkTarget(data?.opts);
  };
  override(adapter, 'onMessage', (take) => (message, ...rest) => {
    checkAimed(message);
    return take(message, ...rest);
  });
  // MongoDB's: the change of a collection
  override(adapter, 'onEvent', (take) => (event, ...rest) => {
    checkAimed((event as { readonly fullDocument: unknown }).fullDocument);
    return take(event, ...rest);
  });
  // the classic Redis adapter's: `[uid, packet, target]`, and requests, some of them as JSON
  const parser = Reflect.get(adapter, 'parser') as { decode: Method } | undefined;
  if (parser === undefined) return;
  const check = (message: unknown): unknown => {
    if (Array.isArray(message)) checkTarget(message[2]);
    else if (Object.hasOwn(Object(message), 'opts')) checkTarget((message as Aimed).opts);
    return message;
  };
  const decode: Method = (...args) => {
    const message = check(parser.decode(...args));
    if (Array.isArray(message)) gatherArguments(message[0], message[1]);
    return message;
  };
  Reflect.set(adapter, 'parser', Object.assign(Object.create(parser), { decode }));
  override(adapter, 'onrequest', (take) => (channel, message) => {
    const bytes = message as Buffer;
    // answers come here, too
    const isRequest = String(channel).startsWith(String(Reflect.get(adapter, 'requestChannel')));
    if (isRequest && bytes[0] === OPENING_BRACE) check(JSON.parse(bytes.toString()));
    return take(channel, message);
  });
}

const OPENING_BRACE = 0x7b;

/** What the classic Redis adapter has for the events of `ioredis`. */
const LISTENERS = { pmessageBuffer: 'onmessage', messageBuffer: 'onrequest' };

/** It gave its client those functions as they were when it was made. */
function rebind(adapter: Internals): void {
  const listeners: unknown = Reflect.get(adapter, 'redisListeners');
  const client = Reflect.get(adapter, 'subClient') as NodeJS.EventEmitter | undefined;
  if (!(listeners instanceof Map) || client === undefined) return;
  for (const [event, name] of Object.entries(LISTENERS)) {
    const listener = listeners.get(event) as Method | undefined;
    if (listener === undefined || !client.listeners(event).includes(listener)) continue;
    const guarded = Reflect.get(adapter, name) as Method;
    client.off(event, listener).on(event, guarded);
    // where its `close` looks for what it is to take off
    listeners.set(event, guarded);
  }
}

/** The commands of `redis` and of `ioredis`. Those that end a subscription of `redis` may never be answered. */
const PUBLISHING: ReadonlySet<string> = new Set(['publish', 'sPublish', 'spublish']);

/**
 * Watches what the broker's clients do: the classic Redis adapter awaits none of its publications, and the rejection of
 * one would end the process when the broker goes away.
 */
export function watchClients(adapter: Internals, publications: Publications): void {
  for (const name of CLIENTS) {
    const client: unknown = Reflect.get(adapter, name);
    if (typeof client !== 'object' || client === null) continue;
    Reflect.set(
      adapter,
      name,
      watched(client, (result, command) => publications.watch(result, PUBLISHING.has(command))),
    );
  }
}

/** Takes back what an adapter left on `process` when it was made; the Node cluster's own never does. */
export function releaseProcess(adapter: Internals, before: readonly unknown[]): void {
  const added = process.listeners('message').filter((listener) => !before.includes(listener));
  if (added.length === 0) return;
  override(adapter, 'close', (close) => () => {
    for (const listener of added) process.off('message', listener);
    return close();
  });
}
