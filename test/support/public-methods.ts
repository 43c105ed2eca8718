import { readdirSync, readFileSync } from 'node:fs';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { BaseRpcContext, ClientProxy, Server as Strategy } from '@nestjs/microservices';

/** A parameter of a method. */
export interface MethodParameter {
  readonly name: string;
  readonly valid: unknown;
  /** Whether it may be omitted. */
  readonly optional?: true;
  /** The text of the error, if not its name. */
  readonly errorText?: string;
}
/** The parameters of a method, in their order. */
export type MethodRow = readonly MethodParameter[];
export type Methods = Readonly<Record<string, MethodRow>>;

/** Prototypes whose methods are not defined by this package. */
const FOREIGN: ReadonlySet<unknown> = new Set([
  Object.prototype,
  EventEmitter.prototype,
  BaseRpcContext.prototype,
  ClientProxy.prototype,
  Strategy.prototype,
]);

/** Returns the names of the public methods of an object, including those of its base classes. */
export function methodsOf(subject: object): string[] {
  const names = new Set<string>();
  const prototype: unknown = Object.getPrototypeOf(subject);
  // fields of instances are not methods; an object without a class has nothing else
  const first = prototype === Object.prototype ? subject : prototype;
  for (let owner: unknown = first; isOwn(owner); owner = Object.getPrototypeOf(owner))
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(owner)))
      if (typeof value === 'function' && name !== 'constructor' && !isHidden(owner, name)) names.add(name);
  return [...names].sort();
}

function isOwn(owner: unknown): owner is object {
  return owner !== null && !FOREIGN.has(owner);
}

/** Whether the source declares it as not public: `private`, `protected`, `@internal`, or a leading `_`. */
function isHidden(owner: object, method: string): boolean {
  if (method.startsWith('_')) return true;
  const source = sourceOf((owner.constructor as { name: string }).name);
  const declared = new RegExp(
    `(/\\*\\*(?:(?!\\*/)[^])*?\\*/\\n)?^  ((?:[a-z]+ )*)${method}(?:<[^(]*>)?\\(`,
    'm',
  ).exec(source);
  return (
    declared !== null && /@internal|\b(?:private|protected)\b/.test(`${declared[1] ?? ''} ${declared[2]}`)
  );
}

const sources = readdirSync('lib', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join('lib', file), 'utf8'));

function sourceOf(name: string): string {
  const declaration = new RegExp(`^export (?:abstract )?class ${name}\\b`, 'm');
  // the client and the server may have classes with the same name
  return sources.filter((source) => declaration.test(source)).join('\n');
}

const optional = true as const;
const listener = { name: 'listener', valid: (): void => undefined };
const event = { name: 'event', valid: 'said' };
const eventAndListener: MethodRow = [event, listener];
const unnamed: MethodRow = [{ ...event, optional }];
const rooms: MethodRow = [{ name: 'rooms', valid: 'red', errorText: 'name of a room' }];
const timeout: MethodRow = [{ name: 'timeout', valid: 1_000 }];
const signal: MethodRow = [{ name: 'signal', valid: new AbortController().signal }];
const compress: MethodRow = [{ name: 'compress', valid: false }];
const middleware: MethodRow = [{ name: 'middleware', valid: (_: unknown, next: () => void) => next() }];
const sent: MethodRow = [event, { name: 'data', valid: 'hello', optional }];
const close: MethodRow = [{ name: 'close', valid: true, optional }];
const key: MethodRow = [
  { name: 'key', valid: 'websocket' },
  { name: 'options', valid: {}, optional },
];
const NONE: MethodRow = [];
const someOptions: MethodRow = [{ name: 'options', valid: {}, optional }];

const listening: Methods = {
  on: eventAndListener,
  once: eventAndListener,
  off: eventAndListener,
  addListener: eventAndListener,
  removeListener: eventAndListener,
  removeAllListeners: unnamed,
  listeners: [event],
  listenerCount: [event],
  eventNames: NONE,
};
const targeted: Methods = { to: rooms, in: rooms, except: rooms, timeout, compress };
const sending: Methods = { emit: sent, emitWithAck: sent };
const many: Methods = {
  fetchSockets: NONE,
  socketsJoin: rooms,
  socketsLeave: rooms,
  disconnectSockets: close,
};
const client: Methods = {
  ...sending,
  connect: NONE,
  disconnect: NONE,
  timeout,
  stream: [...sent, { name: 'options', valid: {}, optional }],
  signal,
  subscribe: [...sent, { name: 'options', valid: {}, optional }],
  reauthenticate: NONE,
  on: eventAndListener,
  once: eventAndListener,
  off: [event, { ...listener, optional }],
  onAny: [listener],
  offAny: [{ ...listener, optional }],
  onState: [listener],
};

/**
 * The parameters of the methods of all public objects. A method without a row fails the test.
 *
 * @param tracked a connected client of the server
 */
export const methodTable = (tracked: unknown): Readonly<Record<string, Methods>> => ({
  EnvelopeServer: {
    ...listening,
    ...targeted,
    ...sending,
    ...many,
    send: [{ name: 'data', valid: 'hello', optional }],
    serverSideEmit: sent,
    serverSideEmitWithAck: sent,
    history: [{ name: 'room', valid: 'red' }],
    disconnectUser: [{ name: 'id', valid: 7, errorText: 'the name of a user' }],
    setMaxListeners: [{ name: 'count', valid: 7, optional }],
    use: middleware,
    of: [
      { name: 'path', valid: '/methods' },
      { ...listener, optional },
    ],
    close: [{ name: 'callback', valid: () => undefined, optional }],
  },
  EnvelopeSocket: {
    ...listening,
    ...targeted,
    ...sending,
    prependListener: eventAndListener,
    // Node's error message
    setMaxListeners: [{ name: 'count', valid: 7, errorText: 'setMaxListeners' }],
    join: rooms,
    leave: rooms,
    use: middleware,
    onAny: [listener],
    prependAny: [listener],
    offAny: [{ ...listener, optional }],
    listenersAny: NONE,
    onAnyOutgoing: [listener],
    prependAnyOutgoing: [listener],
    offAnyOutgoing: [{ ...listener, optional }],
    listenersAnyOutgoing: NONE,
    disconnect: close,
    // the methods of `ws`
    send: [{ name: 'data', valid: 'hello' }],
    ping: [{ name: 'data', valid: 'hello', optional }],
    pong: [{ name: 'data', valid: 'hello', optional }],
    pause: NONE,
    resume: NONE,
    close: [
      { name: 'code', valid: 1000, optional },
      { name: 'reason', valid: 'enough', optional },
    ],
    terminate: NONE,
    toJSON: NONE,
  },
  BroadcastOperator: {
    ...targeted,
    ...sending,
    ...many,
    messages: [{ name: 'options', valid: {}, optional }],
  },
  DirectOperator: { ...targeted, ...sending },
  RemoteSocket: { ...sending, timeout, join: rooms, leave: rooms, disconnect: close, toJSON: NONE },
  'RemoteSocket.timeout()': sending,
  Presence: {
    track: [
      { name: 'client', valid: tracked },
      { name: 'key', valid: 'ada' },
      { name: 'meta', valid: {}, optional },
    ],
    update: [
      { name: 'client', valid: tracked },
      { name: 'meta', valid: {}, optional },
    ],
    untrack: [{ name: 'client', valid: tracked }],
    share: [
      { name: 'room', valid: 'red' },
      { name: 'options', valid: {}, optional },
    ],
    shareStates: [
      { name: 'room', valid: 'red' },
      { name: 'options', valid: {}, optional },
    ],
    list: rooms,
    on: [{ ...event, valid: 'join' }, listener],
  },
  ClientSocket: client,
  'ClientSocket.timeout()': { ...sending, signal },
  'ClientSocket.signal()': { ...sending, signal },
  'ClientSocket.volatile': { emit: sent },
  'ClientSocket.stream()': { next: NONE, return: NONE },
  'ClientSocket.subscribe()': { onAnswer: [listener], onError: [listener], refresh: NONE, stop: NONE },
  TestClient: {
    ...client,
    next: [event],
    expectNone: [{ ...event, valid: 'nothing', optional }],
    settled: NONE,
    ended: NONE,
    close: NONE,
    cut: NONE,
  },
  EnvelopeClient: { connect: NONE, close: NONE, unwrap: NONE },
  EnvelopeTransport: {
    listen: [{ name: 'callback', valid: (): void => undefined }],
    close: NONE,
    on: [{ ...event, valid: 'connection' }, listener],
    unwrap: NONE,
  },
  EnvelopeContext: {
    getSocketRef: NONE,
    getPattern: NONE,
    getMetadata: NONE,
    getId: NONE,
    getHandshake: NONE,
    getUser: NONE,
  },
  MessageContext: {},
  EnvelopeOperations: {
    drain: someOptions,
    endDrain: someOptions,
    limitsOf: [{ name: 'path', valid: '/' }],
    setLimits: [{ name: 'changes', valid: { maxRooms: 7 } }, ...someOptions],
    block: [
      { name: 'target', valid: { user: 7 } },
      { name: 'options', valid: { duration: 1 } },
    ],
    unblock: [{ name: 'target', valid: { user: 7 } }, ...someOptions],
    disconnectUser: [{ name: 'id', valid: 7, errorText: 'takes the name of a user' }, ...someOptions],
    announce: [{ name: 'data', valid: 'soon' }, ...someOptions],
  },
  EnvelopeHealthIndicator: {
    onModuleInit: NONE,
    onModuleDestroy: NONE,
    onApplicationShutdown: NONE,
    isHealthy: key,
    isReady: [key[0]!],
  },
});
