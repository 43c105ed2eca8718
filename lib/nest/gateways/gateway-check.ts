import { isDeepStrictEqual } from 'node:util';
import type { PathOptions } from '../options/options.js';
import { limitsOf } from '../options/limits.js';
import { checkOptions } from '../options/option-rules.js';
import { isReserved } from '../../protocol/reserved-events.js';
import { refuse, refuseOption, show } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';
import { PORT, toPort } from '../../server/upgrade/port.js';
import type { Gateway } from './gateway-explorer.js';
import { NEST } from './nest-metadata.js';

/**
 * Checks what the decorators of a gateway say.
 *
 * @throws TypeError or Error that names the gateway's class, what is wrong, and what to write instead
 */
export function checkGateway({ type, port, options, handlers }: Gateway): void {
  if (toPort(port) === undefined)
    refuseOption(type.name, 'the port', port, `${PORT}: @WebSocketGateway(4001)`);
  // Nest takes what is no whole number for the options
  if (typeof options !== 'object')
    refuseOption(
      type.name,
      'the port',
      options,
      `${PORT}, or options: @WebSocketGateway(4001, { path: '/ws' })`,
    );
  checkOptions(options, type.name, true);
  for (const handler of handlers) checkEvent(type.name, handler as () => unknown);
}

/** An event that no client can send would be waited for in vain. */
function checkEvent(gateway: string, handler: () => unknown): void {
  const event: unknown = Reflect.getMetadata(NEST.message, handler);
  const where = `${gateway}.${handler.name}`;
  if (typeof event !== 'string' || event === '')
    refuse(
      where,
      'the event of @SubscribeMessage',
      event,
      "a text of at least one character, such as 'message'",
    );
  const why = event.startsWith('$')
    ? 'names that begin with "$" are the protocol\'s own'
    : isReserved(event)
      ? 'the name is reserved for the lifecycle of connections, which handleConnection and handleDisconnect take'
      : event === 'exception'
        ? 'an exception that a client sends answers a request of the server'
        : undefined;
  if (why !== undefined)
    throw withCode(
      'ERR_ENVELOPE_INVALID_EVENT',
      new Error(`${where}: no client can send the event ${show(event)}: ${why}. Choose another name`),
    );
}

/**
 * Checks that gateways of one path do not contradict each other: they share the connection.
 *
 * @throws Error that names both gateways, the option, and both values
 */
export function checkSharedPaths(mounted: readonly { gateway: Gateway; place: string }[]): void {
  const known = new Map<string, { gateway: string; value: unknown }>();
  for (const { gateway, place } of mounted) {
    const { name: own } = gateway.type;
    for (const [name, value] of Object.entries(flat(gateway.options))) {
      if (value === undefined) continue;
      const key = `${place} ${name}`;
      const before = known.get(key);
      if (before === undefined) known.set(key, { gateway: own, value });
      else if (!isDeepStrictEqual(before.value, value))
        throw withCode(
          'ERR_ENVELOPE_PATH_CONFLICT',
          new Error(
            `${before.gateway} and ${own} share the path ${place} and differ in ${name}` +
              `${contrast(before.value, value)}. One connection serves both: set ${name} in one of them, or on ` +
              'EnvelopeAdapter',
          ),
        );
    }
  }
}

/** Two values that differ, unless they look alike: of an object, errors show the types of its fields. */
function contrast(first: unknown, second: unknown): string {
  const [a, b] = [show(first), show(second)];
  return a === b ? '' : `: ${a} and ${b}`;
}

/** Options that belong to the connection, each limit under a name of its own. */
function flat(options: PathOptions): Record<string, unknown> {
  const { limits: _, maxPayload: __, maxHttpBufferSize: ___, ...others } = options;
  const limits = Object.entries(limitsOf(options) ?? {});
  const own = Object.entries(others).filter(([name]) => !['path', 'namespace', 'port'].includes(name));
  return Object.fromEntries([...own, ...limits.map(([name, value]) => [`limits.${name}`, value])]);
}
