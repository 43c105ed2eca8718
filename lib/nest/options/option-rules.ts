import type { EnvelopeOptions, GatewayOptions } from './options.js';
import { checkCompression } from './compression-options.js';
import { checkCorsOrigin } from './cors-origin.js';
import { checkLimits } from './limits.js';
import { checkRecovery } from './recovery-options.js';
import { isRecordLike, refuse, refuseOption, refuseUnknown } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';
import type { Transport } from '../../server/upgrade/transport.js';
import { checkPath } from '../../server/upgrade/path-pattern.js';
import { PORT, toPort } from '../../server/upgrade/port.js';

/** The rule for the value of one option. */
interface Rule {
  /** What the option takes, for errors. */
  readonly takes: string;
  readonly accepts: (value: unknown) => boolean;
  /** Set if only the adapter, or only a gateway, has the option. */
  readonly only?: 'adapter' | 'gateway';
}

const milliseconds: Rule = {
  takes: 'milliseconds, a number from 0 on, such as 25_000',
  accepts: (value) => typeof value === 'number' && value >= 0,
};
const callback = (example: string): Rule => ({
  takes: `a function, ${example}`,
  accepts: (value) => typeof value === 'function',
});
const anyValue: Rule = { takes: 'anything', accepts: () => true };

const UPGRADE_GUARD_VALUES: ReadonlySet<unknown> = new Set([true, false, 'handleConnection', 'global']);

/** The rules of all options. The type of the record makes the compiler reject an option without a rule. */
const RULES: Readonly<Record<keyof EnvelopeOptions | keyof GatewayOptions, Rule>> = {
  pingInterval: milliseconds,
  pingTimeout: milliseconds,
  connectTimeout: milliseconds,
  shutdownTimeout: milliseconds,
  // checkLimits and checkRecovery check these
  limits: anyValue,
  maxPayload: anyValue,
  maxHttpBufferSize: anyValue,
  recovery: anyValue,
  history: {
    takes: "what roomHistory({ rooms: { 'chat:*': {} } }) of 'nestjs-envelope/history' returns",
    accepts: (value) => typeof Reflect.get(Object(value), '_openHistory') === 'function',
  },
  identify: callback('(user) => user.id'),
  connectionStateRecovery: {
    takes: 'an object, { maxDisconnectionDuration: 120_000 }',
    accepts: (value) =>
      isRecordLike(value) && isPositiveOrUndefined(Reflect.get(value, 'maxDisconnectionDuration')),
  },
  perMessageDeflate: {
    takes: "true, false, or an object of ws's options and shared",
    accepts: (value) => typeof value === 'boolean' || isRecordLike(value),
  },
  adapter: callback('such as createAdapter(redis) of @socket.io/redis-streams-adapter'),
  cors: {
    takes: "true, false, a function, or an object such as { origin: 'https://example.com' }",
    accepts: (value) => typeof value === 'boolean' || typeof value === 'function' || isRecordLike(value),
  },
  allowRequest: callback('(request, callback) => callback(null, true)'),
  verifyClient: callback('({ origin, req }) => true'),
  handleProtocols: callback("(protocols) => 'envelope.v1'"),
  messageParser: callback('(data) => ({ event, data })'),
  replies: {
    takes: "'always' or 'requests'",
    accepts: (value) => value === 'always' || value === 'requests',
  },
  messageContext: { takes: 'true or false', accepts: (value) => typeof value === 'boolean' },
  ordered: { takes: 'true or false', accepts: (value) => typeof value === 'boolean' },
  onceStore: {
    takes: "a store, such as redisOnce(client) of 'nestjs-envelope/once'",
    accepts: (value) =>
      isRecordLike(value) &&
      ['claim', 'replace'].every((name) => typeof Reflect.get(value, name) === 'function'),
  },
  upgradeGuards: {
    takes: "true, false, 'handleConnection' or 'global'",
    accepts: (value) => UPGRADE_GUARD_VALUES.has(value),
    only: 'adapter',
  },
  validateEmits: {
    takes: 'true or false',
    accepts: (value) => typeof value === 'boolean',
    only: 'adapter',
  },
  // ClientAddressReader and compileHosts check these
  trustProxy: { ...anyValue, only: 'adapter' },
  hosts: { ...anyValue, only: 'adapter' },
  encodings: {
    takes: "a list of encodings, such as [messagePack()] of 'nestjs-envelope/msgpack'",
    accepts: (value) =>
      Array.isArray(value) &&
      value.every((item) => typeof Reflect.get(Object(item), '_protocol') === 'string'),
    only: 'adapter',
  },
  transports: {
    takes: "a list of transports, such as [socketIO()] of 'nestjs-envelope/socket.io'",
    accepts: (value) => Array.isArray(value) && value.every(isTransport),
    only: 'adapter',
  },
  onError: { ...callback('(error, { client, event }) => Sentry.captureException(error)'), only: 'adapter' },
  port: { takes: PORT, accepts: (value) => toPort(value) !== undefined },
  path: { takes: "a string, such as '/ws'", accepts: (value) => typeof value === 'string' },
  namespace: {
    takes: "a string or a RegExp, such as 'chat'",
    accepts: (value) => typeof value === 'string' || value instanceof RegExp,
    only: 'gateway',
  },
};

/** Options of Socket.IO, Nest's `GatewayMetadata` and `ws` that mean nothing over one plain WebSocket. */
const MEANINGLESS: ReadonlySet<string> = new Set([
  'addTrailingSlash',
  'allowEIO3',
  'allowSynchronousEvents',
  'allowUpgrades',
  'autoPong',
  'backlog',
  'cleanupEmptyChildNamespaces',
  'clientTracking',
  'closeTimeout',
  'cookie',
  'destroyUpgrade',
  'destroyUpgradeTimeout',
  'handlePreflightRequest',
  'httpCompression',
  'initialPacket',
  'middlewares',
  'noServer',
  'origins',
  'parser',
  'serveClient',
  'server',
  'skipUTF8Validation',
  'upgradeTimeout',
  'WebSocket',
  'wsEngine',
]);

const HOST =
  'the option host has no effect. A gateway with a port listens on all addresses. To listen on one address, leave the ' +
  'port out and use app.listen(port, host). To name the hosts that pages connect from, use the option hosts';

/** Returns the names of the given options that have no effect here. @param hasTransports whether the adapter has `socketIO()` */
export function meaninglessOptions(options: object, hasTransports: boolean): string[] {
  return Object.entries(options)
    .filter(([name, value]: [string, unknown]) => {
      if (name === 'transports')
        return namesTransports(value) && (hasTransports || value.includes('polling'));
      return MEANINGLESS.has(name) && value !== undefined && value !== false;
    })
    .map(([name]) => name);
}

/** Options of Socket.IO that `socketIO()` has. */
const OF_SOCKET_IO: ReadonlySet<string> = new Set([
  'allowUpgrades',
  'cookie',
  'httpCompression',
  'transports',
  'upgradeTimeout',
]);

/** Returns the warning for an option that has no effect. @param hasTransports whether the adapter has `socketIO()` */
export function explainMeaningless(name: string, hasTransports: boolean): string {
  return hasTransports && OF_SOCKET_IO.has(name)
    ? `The option "${name}" has no effect here and is ignored: set it in socketIO({ ${name} })`
    : `The option "${name}" has no effect over a plain WebSocket and is ignored`;
}

/** Returns whether a value of `transports` is a transport, and not a name of Socket.IO's own option. */
export function isTransport(value: unknown): value is Transport {
  return typeof Reflect.get(Object(value), '_open') === 'function';
}

/** Returns whether a value of `transports` is Socket.IO's own option, a list of names, which has no effect here. */
function namesTransports(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');
}

function isPositiveOrUndefined(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && value > 0);
}

/**
 * Checks the options of an adapter or a gateway.
 *
 * @param where the class that has the options, for errors
 * @throws TypeError or Error that names the option, its value and what it takes, or the nearest name for an unknown option
 */
export function checkOptions(options: unknown, where: string, isGateway: boolean): void {
  if (!isRecordLike(options)) refuse(where, 'options', options, "an object, such as { path: '/ws' }");
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (value === undefined || MEANINGLESS.has(name)) continue;
    if (name === 'transports' && namesTransports(value)) continue;
    if (name === 'host') throw withCode('ERR_ENVELOPE_INVALID_OPTION', new TypeError(`${where}: ${HOST}`));
    if (!Object.hasOwn(RULES, name)) refuseUnknown(where, name, Object.keys(RULES));
    const rule = RULES[name as keyof typeof RULES];
    if (rule.only === 'adapter' && isGateway)
      throw withCode(
        'ERR_ENVELOPE_INVALID_OPTION',
        new TypeError(`${where}: ${name} is an option of EnvelopeAdapter, not of gateways: set it there`),
      );
    if (rule.only === 'gateway' && !isGateway)
      throw withCode(
        'ERR_ENVELOPE_INVALID_OPTION',
        new TypeError(`${where}: ${name} is an option of gateways: set it in @WebSocketGateway({ ${name} })`),
      );
    if (!rule.accepts(value)) refuseOption(where, name, value, rule.takes);
    if (name === 'path' || name === 'namespace') checkPath(value, where);
  }
  checkLimits(options, where, isGateway);
  checkRecovery(Reflect.get(options, 'recovery'), where);
  checkCompression(Reflect.get(options, 'perMessageDeflate'), where);
  checkCorsOrigin(Reflect.get(options, 'cors'), where);
}
