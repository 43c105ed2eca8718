import { refuseUnknown, show } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';

/** The limits that a path sets for each of its clients. `false` turns a limit off. */
export interface PathLimits {
  /** Bytes of the largest message. A larger one closes the connection with 1009. Default 1,000,000, as in Socket.IO. */
  maxPayload?: number | false;
  /** Frames of one message. More close the connection with 1008. Default 1,024. */
  maxFragments?: number | false;
  /** Levels of nested objects and arrays in a message. A deeper message is refused with `too_deep`. Default 64. */
  maxJsonDepth?: number | false;
  /** Characters of an event's name. A longer one is refused with `bad_event`. Default 256. */
  maxEventNameLength?: number | false;
  /**
   * Messages per second that a client may send, including pings. More are refused with `rate_limited`; after at least a
   * hundred refusals the connection closes with 1008. Default 100.
   */
  messagesPerSecond?: number | false;
  /** Messages that a client may send at once, before `messagesPerSecond` applies. Default 1,000. */
  messageBurst?: number;
  /**
   * Messages of one client that handlers process at the same time. Further messages wait, and then the server stops
   * reading from the client. Default 256.
   */
  maxInFlight?: number | false;
  /** Rooms of one client, including the room of its id. A further `join` is refused with `room_limit`. Default 1,000. */
  maxRooms?: number | false;
  /** Characters of the name of a room that a client joins. A longer one is refused with `room_limit`. Default 256. */
  maxRoomNameLength?: number | false;
  /** Bytes that may wait for one client. The connection of a client that reads too slowly closes with 1013. Default 4,000,000. */
  maxBufferedBytes?: number | false;
  /**
   * Milliseconds for the checks and guards of an upgrade, which is refused with 503 after that. The guards that a client's
   * `$auth` runs have the same time; after that the connection closes with 1011. Default 10,000.
   */
  upgradeTimeout?: number | false;
  /** Milliseconds after which a connection closes with 4401, unless the client authenticates again. Default: off. */
  maxLifetime?: number | false;
}

/** The limits of an adapter: those of {@link PathLimits}, and limits for all clients on all paths together. */
export interface Limits extends PathLimits {
  /** Connections. Further upgrades are refused with 503. Default 100,000. */
  maxConnections?: number | false;
  /**
   * Connections from one address, or one /64 network for IPv6. Further upgrades are refused with 429. The limit is ten times
   * as high for all clients together of a proxy that `trustProxy` does not name, or that does not send their addresses.
   * Default 1,000.
   */
  maxConnectionsPerAddress?: number | false;
  /** Upgrades whose checks and guards are still running. Further upgrades are refused with 503. Default 1,000. */
  maxPendingUpgrades?: number | false;
}

/** Limits to change at run time; `undefined` restores what the options say. */
export type LimitChanges = { [Name in keyof Limits]: Limits[Name] | undefined };

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

/** Limits with their defaults. A limit that is off is `Infinity`. */
export type Resolved<Options> = { readonly [Name in keyof Options]-?: number };

/** The options that set limits: `limits`, and `maxPayload` by its names in `ws` and Socket.IO. */
interface WithLimits {
  limits?: Limits;
  maxPayload?: number;
  maxHttpBufferSize?: number;
}

/** The limits that may be fractions: a rate, and milliseconds. */
const FRACTIONAL: ReadonlySet<string> = new Set(['messagesPerSecond', 'upgradeTimeout', 'maxLifetime']);

/**
 * Checks the limits among the options of an adapter or a gateway.
 *
 * @param where the class that has the options, for errors
 * @throws TypeError if a limit is unknown; Error if the value of a limit is invalid, or if a gateway sets a limit of the adapter
 */
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
    const kind = FRACTIONAL.has(name) ? 'a positive number' : 'a positive whole number';
    // messageBurst cannot be off: that would turn the rate off, which messagesPerSecond: false does
    const orNone = name === 'messageBurst' ? '' : ', or false for none';
    if (!isLimit(name, value))
      throw withCode(
        'ERR_ENVELOPE_INVALID_OPTION',
        new Error(`${where}: limits.${name} is ${show(value)}: it takes ${kind}${orNone}`),
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
  return Number.isInteger(value) || FRACTIONAL.has(name);
}

/** Returns the limits among some options, with `maxPayload` among them. 0 means no limit there, as in `ws`. */
export function limitsOf({ limits, maxPayload, maxHttpBufferSize }: WithLimits): Limits | undefined {
  const size = maxPayload ?? maxHttpBufferSize;
  return size === undefined ? limits : { ...limits, maxPayload: size === 0 ? false : size };
}

/** Merges the limits of one path, and fills in the defaults. The first layer with a value wins. */
export function resolvePathLimits(...layers: readonly (PathLimits | undefined)[]): Resolved<PathLimits> {
  return resolve(PATH_DEFAULTS, layers);
}

/** Fills in the defaults of the limits for all paths together. */
export function resolveAdapterLimits(limits: Limits | undefined): Resolved<Omit<Limits, keyof PathLimits>> {
  return resolve(ADAPTER_DEFAULTS, [limits]);
}

function resolve<Names extends string>(
  defaults: Readonly<Record<Names, number | false>>,
  layers: readonly (Limits | undefined)[],
): Record<Names, number> {
  const names = Object.keys(defaults) as Names[];
  const entries = names.map((name) => {
    const given = layers.map((layer) => layer?.[name as keyof Limits]).find((value) => value !== undefined);
    const value = given ?? defaults[name];
    return [name, value === false ? Infinity : value];
  });
  return Object.fromEntries(entries) as Record<Names, number>;
}
