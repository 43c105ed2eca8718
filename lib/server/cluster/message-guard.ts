import { override, type Internals, type Method } from './adapter-internals.js';
import type { PendingPublications } from './pending-publications.js';
import { checkBroadcast, checkTarget } from '../rooms/target.js';
import { onCommand } from './tolerant-client.js';

/** The methods by which adapters receive messages of other nodes. Any client of the broker can send such messages. */
const RECEIVERS = [
  'onMessage',
  'onResponse',
  'onRawMessage',
  'onEvent',
  'onmessage',
  'onrequest',
  'onresponse',
];
/** The fields in which an adapter may have its clients of the broker. */
const CLIENTS = ['pubClient', 'subClient'];

/**
 * Makes an adapter drop malformed messages. Most adapters would throw into their broker's client, and some would end
 * the process.
 *
 * @param dropped called with the error of each
 */
export function dropMalformed(adapter: Internals, dropped: (error: unknown) => void): void {
  const guard =
    (receive: Method): Method =>
    (...args) => {
      try {
        const result = receive(...args);
        return result instanceof Promise ? result.catch(dropped) : result;
      } catch (error) {
        dropped(error);
        return undefined;
      }
    };
  checkTargets(adapter);
  for (const receiver of RECEIVERS) override(adapter, receiver, guard);
  replaceListeners(adapter);
}

/**
 * The types of messages with a target, in `ClusterAdapter` and MongoDB's adapter: broadcast, and join, leave,
 * disconnect, fetch.
 */
const BROADCAST = 3;
const WITH_TARGET: ReadonlySet<unknown> = new Set([4, 5, 6, 7]);

interface TargetedMessage {
  readonly type?: unknown;
  readonly data?: { readonly opts?: unknown };
  readonly opts?: unknown;
}

/** Makes an adapter reject messages with a damaged target. Without rooms, a message would go to all clients. */
function checkTargets(adapter: Internals): void {
  const checkMessage = (message: unknown): void => {
    const { type, data } = message as TargetedMessage;
    if (type === BROADCAST) checkBroadcast(data);
    else if (WITH_TARGET.has(type)) checkTarget(data?.opts);
  };
  override(adapter, 'onMessage', (receive) => (message, ...rest) => {
    checkMessage(message);
    return receive(message, ...rest);
  });
  // MongoDB's adapter: the event is the change of a collection
  override(adapter, 'onEvent', (receive) => (event, ...rest) => {
    checkMessage((event as { readonly fullDocument: unknown }).fullDocument);
    return receive(event, ...rest);
  });
  // the classic Redis adapter: `[uid, packet, target]`, and requests, some of them as JSON
  const parser = Reflect.get(adapter, 'parser') as { decode: Method } | undefined;
  if (parser === undefined) return;
  const check = (message: unknown): unknown => {
    if (Array.isArray(message)) checkTarget(message[2]);
    else if (Object.hasOwn(Object(message), 'opts')) checkTarget((message as TargetedMessage).opts);
    return message;
  };
  const decode: Method = (...args) => check(parser.decode(...args));
  Reflect.set(adapter, 'parser', Object.assign(Object.create(parser), { decode }));
  override(adapter, 'onrequest', (receive) => (channel, message) => {
    const bytes = message as Buffer;
    // receives responses as well
    const isRequest = String(channel).startsWith(String(Reflect.get(adapter, 'requestChannel')));
    if (isRequest && bytes[0] === OPENING_BRACE) check(JSON.parse(bytes.toString()));
    return receive(channel, message);
  });
}

const OPENING_BRACE = 0x7b;

/** The methods of the classic Redis adapter that listen to events of `ioredis`, by event. */
const LISTENERS = { pmessageBuffer: 'onmessage', messageBuffer: 'onrequest' };

/**
 * Replaces the listeners of the classic Redis adapter. Its constructor registered the original methods, not those of
 * this file.
 */
function replaceListeners(adapter: Internals): void {
  const listeners: unknown = Reflect.get(adapter, 'redisListeners');
  const client = Reflect.get(adapter, 'subClient') as NodeJS.EventEmitter | undefined;
  if (!(listeners instanceof Map) || client === undefined) return;
  for (const [event, name] of Object.entries(LISTENERS)) {
    const listener = listeners.get(event) as Method | undefined;
    if (listener === undefined || !client.listeners(event).includes(listener)) continue;
    const guarded = Reflect.get(adapter, name) as Method;
    client.off(event, listener).on(event, guarded);
    // `close` of the adapter removes the listeners in this map
    listeners.set(event, guarded);
  }
}

/**
 * The publishing commands of `redis` and `ioredis`. Only these delay the close of an application, since `redis` may
 * never respond to the commands that end a subscription.
 */
const PUBLISHING: ReadonlySet<string> = new Set(['publish', 'sPublish', 'spublish']);

/**
 * Tracks the commands of the broker's clients. The classic Redis adapter awaits none of its publications: when the
 * connection to the broker is lost, the rejection of one would end the process.
 */
export function trackClients(adapter: Internals, publications: PendingPublications): void {
  for (const name of CLIENTS) {
    const client: unknown = Reflect.get(adapter, name);
    if (typeof client !== 'object' || client === null) continue;
    Reflect.set(
      adapter,
      name,
      onCommand(client, (result, command) => publications.track(result, PUBLISHING.has(command))),
    );
  }
}

/**
 * Removes the listeners that an adapter added to `process`, when it closes. The adapter of Node's cluster does not
 * remove them.
 *
 * @param before the listeners before the adapter was created
 */
export function releaseProcess(adapter: Internals, before: readonly unknown[]): void {
  const added = process.listeners('message').filter((listener) => !before.includes(listener));
  if (added.length === 0) return;
  override(adapter, 'close', (close) => () => {
    for (const listener of added) process.off('message', listener);
    return close();
  });
}
