import { refuseUnknown, show } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';

/** What one path allows its clients. `false` turns a limit off. */
export interface PathLimits {
  /** Bytes of the largest message; a larger one closes with 1009. Default 1,000,000, as in Socket.IO. */
  maxPayload?: number | false;
  /** Frames that one message may come in; more close with 1008. Default 1,024. */
  maxFragments?: number | false;
  /** How deep objects and arrays of a message may be nested; deeper is refused. Default 64. */
  maxJsonDepth?: number | false;
  /** Characters of an event's name; a longer one is refused. Default 256. */
  maxEventNameLength?: number | false;
  /** Messages that a client may send per second, pings included; more are refused, then closed with 1008. Default 100. */
  messagesPerSecond?: number | false;
  /** Messages that a client may send at once, before `messagesPerSecond` counts. Default 1,000. */
  messageBurst?: number;
  /** Messages of one client that handlers work on at a time; further ones wait, and then the client does. Default 256. */
  maxInFlight?: number | false;
  /** Rooms that one client may be in, its own included; a further `join` is refused. Default 1,000. */
  maxRooms?: number | false;
  /** Characters of a room's name that a client may join; a longer one is refused. Default 256. */
  maxRoomNameLength?: number | false;
  /** Bytes that may wait for one client; one that reads too slowly is closed with 1013. Default 4,000,000. */
  maxBufferedBytes?: number | false;
  /**
   * Milliseconds that checks and guards of an upgrade may take; then it is refused with 503. Guards that a client's
   * `$auth` asks have as long; then the connection closes with 1011. Default 10,000.
   */
  upgradeTimeout?: number | false;
  /** Milliseconds after which a connection is closed with 4401, unless the client authenticates anew. Default: off. */
  maxLifetime?: number | false;
}

/** What an adapter allows all its clients together, on all paths, beside {@link PathLimits}. */
export interface Limits extends PathLimits {
  /** Connections in all; further upgrades are refused with 503. Default 100,000. */
  maxConnections?: number | false;
  /**
   * Connections from one address (IPv6: one /64); further upgrades are refused with 429. A proxy that `trustProxy` does
   * not name, or that does not name its clients, has ten times as many for all of them together. Default 1,000.
   */
  maxConnectionsPerAddress?: number | false;
  /** Upgrades that checks and guards have not decided on; further ones are refused with 503. Default 1,000. */
  maxPendingUpgrades?: number | false;
}

const PATH_DEFAULTS: Required<PathLimits> = {
  maxPayload: 1_000_000,
  maxFragments: 1_024,
  maxJsonDepth: 64,
  maxEventNameLength: 256,
  messagesPerSecond: 100,
  messageBurst: 1_000,
  maxInFlight: 256,
  maxRooms: 1_000,
  maxRoomNameLength: 256,
  maxBufferedBytes: 4_000_000,
  upgradeTimeout: 10_000,
  maxLifetime: false,
};

const ADAPTER_DEFAULTS = {
  maxConnections: 100_000,
  maxConnectionsPerAddress: 1_000,
  maxPendingUpgrades: 1_000,
} as const;

/** Limits with the defaults filled in; one that is off is `Infinity`. */
export type Resolved<Options> = { readonly [Name in keyof Options]-?: number };

/** Where limits stand among other options, two of them also under the names that users bring along. */
interface WithLimits {
  limits?: Limits;
  maxPayload?: number;
  maxHttpBufferSize?: number;
}

/** The limits that may be parts of a whole: a rate, and milliseconds. */
const NEED_NOT_BE_WHOLE: ReadonlySet<string> = new Set([
  'messagesPerSecond',
  'upgradeTimeout',
  'maxLifetime',
]);

/** @throws Error that names what is no limit, or no value for one; `where` says whose option it is */
export function checkLimits(options: WithLimits, where: string, isGateway: boolean): void {
  const { limits = {} } = options;
  if (typeof limits !== 'object' || limits === null || Array.isArray(limits))
    throw withCode(
      'ERR_ENVELOPE_INVALID_OPTION',
      new Error(`${where}: limits is ${String(limits)}: it takes an object, { maxPayload: 50_000, … }`),
    );
  for (const [name, value] of Object.entries(limits) as [string, unknown][]) {
    if (isGateway && Object.hasOwn(ADAPTER_DEFAULTS, name))
      throw withCode(
        'ERR_ENVELOPE_INVALID_OPTION',
        new Error(`${where}: limits.${name} counts all paths together: set it on EnvelopeAdapter`),
      );
    if (!Object.hasOwn(PATH_DEFAULTS, name) && !Object.hasOwn(ADAPTER_DEFAULTS, name))
      refuseUnknown(where, name, [...Object.keys(PATH_DEFAULTS), ...Object.keys(ADAPTER_DEFAULTS)], 'limit');
    const kind = NEED_NOT_BE_WHOLE.has(name) ? 'a positive number' : 'a positive whole number';
    // without a burst there would be no rate, and that is messagesPerSecond's to say
    const none = name === 'messageBurst' ? '' : ', or false for none';
    if (!isLimit(name, value))
      throw withCode(
        'ERR_ENVELOPE_INVALID_OPTION',
        new Error(`${where}: limits.${name} is ${show(value)}: it takes ${kind}${none}`),
      );
  }
  for (const name of ['maxPayload', 'maxHttpBufferSize'] as const) {
    const value: unknown = options[name];
    if (value !== 0 && !isLimit('maxPayload', value))
      throw withCode(
        'ERR_ENVELOPE_INVALID_OPTION',
        new Error(`${where}: ${name} is ${show(value)}: it takes a positive whole number, or 0 for none`),
      );
  }
}

function isLimit(name: string, value: unknown): boolean {
  if (value === undefined) return true;
  if (value === false || value === Infinity) return name !== 'messageBurst';
  if (typeof value !== 'number' || !(value > 0)) return false;
  return Number.isInteger(value) || NEED_NOT_BE_WHOLE.has(name);
}

/** The limits of one layer of options, all under their own names; 0 is `ws`'s word for no limit. */
export function limitsOf({ limits, maxPayload, maxHttpBufferSize }: WithLimits): Limits | undefined {
  const size = maxPayload ?? maxHttpBufferSize;
  return size === undefined ? limits : { ...limits, maxPayload: size === 0 ? false : size };
}

/** The first layer that names a limit wins. */
export function resolvePathLimits(...layers: readonly (PathLimits | undefined)[]): Resolved<PathLimits> {
  return resolve(PATH_DEFAULTS, layers);
}

/** The limits of all paths together. */
export function resolveAdapterLimits(limits: Limits | undefined): Resolved<Omit<Limits, keyof PathLimits>> {
  return resolve(ADAPTER_DEFAULTS, [limits]);
}

function resolve<Names extends string>(
  defaults: Readonly<Record<Names, number | false>>,
  layers: readonly (Limits | undefined)[],
): Record<Names, number> {
  const names = Object.keys(defaults) as Names[];
  const entries = names.map((name) => {
    const named = layers.map((layer) => layer?.[name as keyof Limits]).find((value) => value !== undefined);
    const value = named ?? defaults[name];
    return [name, value === false ? Infinity : value];
  });
  return Object.fromEntries(entries) as Record<Names, number>;
}
