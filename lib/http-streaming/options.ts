import { checkTransportOptions, type TransportOptionRule } from '../server/upgrade/transport-options.js';

/** The options of {@link httpStreaming}. Those that are not here are the adapter's: limits, `cors`, `pingInterval`, and so on. */
export interface HttpStreamingOptions {
  /**
   * The name of this node: 1 to 64 letters, digits, `-` and `_`. It begins the keys of its connections, so that a load balancer
   * can route the requests of a connection by the header `Envelope-Line`. Default: a random name.
   */
  node?: string;
  /**
   * Milliseconds after which a response ends, and the client asks for the next one: some proxies cut long responses. 0: never.
   * Default 60,000.
   */
  rotateAfter?: number;
  /** Characters after which a response ends. Default 1,000,000. */
  rotateAt?: number;
  /**
   * Milliseconds for the body of a request to arrive. A request with messages that waits for those before it, or for the server
   * to read on, waits for half of that. Default 10,000.
   */
  bodyTimeout?: number;
  /**
   * The names of the cookies that name the user. The requests of a connection must show the same values as the one that has
   * opened it; otherwise, they are refused with 403. Default: none.
   */
  cookies?: readonly string[];
}

/** Options with their defaults. */
export type ResolvedHttpStreamingOptions = Required<Omit<HttpStreamingOptions, 'node'>> &
  Pick<HttpStreamingOptions, 'node'>;

const DEFAULTS = { rotateAfter: 60_000, rotateAt: 1_000_000, bodyTimeout: 10_000, cookies: [] };

const RULES: Readonly<Record<keyof HttpStreamingOptions, TransportOptionRule>> = {
  node: {
    takes: "1 to 64 letters, digits, '-' and '_', such as 'node-1'",
    accepts: (value) => typeof value === 'string' && /^[\w-]{1,64}$/.test(value),
  },
  rotateAfter: {
    takes: 'milliseconds, such as 60_000, or 0 for never',
    accepts: (value) => typeof value === 'number' && value >= 0,
  },
  rotateAt: {
    takes: 'a positive number of characters, such as 1_000_000',
    accepts: (value) => typeof value === 'number' && value > 0,
  },
  bodyTimeout: {
    takes: 'milliseconds, a positive number such as 10_000',
    accepts: (value) => typeof value === 'number' && value > 0,
  },
  cookies: {
    takes: "a list of names of cookies, such as ['sid']",
    accepts: (value) =>
      Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== ''),
  },
};

/** Options of the adapter that a user could look for here. */
const OF_ADAPTER = new Set(['cors', 'pingInterval', 'pingTimeout', 'limits', 'maxPayload', 'path']);

/**
 * Checks the options, and fills in the defaults.
 *
 * @throws TypeError that names the option, its value and what it takes, or the nearest name for an unknown option
 */
export function resolveOptions(options: HttpStreamingOptions): ResolvedHttpStreamingOptions {
  return {
    ...DEFAULTS,
    ...checkTransportOptions(options, {
      where: 'httpStreaming',
      example: "{ node: 'a' }",
      rules: RULES,
      ofAdapter: OF_ADAPTER,
    }),
  };
}
