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
 * Checks the decorators of a gateway.
 *
 * @throws TypeError or Error that names the gateway's class, the wrong value, and what to write instead
 */
export function checkGateway({ type, port, options, handlers }: Gateway): void {
  if (toPort(port) === undefined)
    refuseOption(type.name, 'the port', port, `${PORT}: @WebSocketGateway(4001)`);
  // Nest takes a first argument that is no whole number as the options
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

/** @throws TypeError or Error if no client can send the event of a handler */
function checkEvent(gateway: string, handler: () => unknown): void {
  const event: unknown = Reflect.getMetadata(NEST.message, handler);
  const where = `${gateway}.${handler.name}`;
  if (typeof event !== 'string' || event === '')
    refuse(
      where,
      'the event of @SubscribeMessage',
      event,
      "a string of at least one character, such as 'message'",
    );
  const why = event.startsWith('$')
    ? 'names that begin with "$" are reserved for the protocol'
    : isReserved(event)
      ? 'the name is reserved for the lifecycle of connections: use handleConnection and handleDisconnect'
      : event === 'exception'
        ? 'the server reads an exception of a client as the answer to a request'
        : undefined;
  if (why !== undefined)
    throw withCode(
      'ERR_ENVELOPE_INVALID_EVENT',
      new Error(`${where}: no client can send the event ${show(event)}: ${why}. Choose another name`),
    );
}

/**
 * Checks that gateways of one path do not contradict each other, because they share the connection.
 *
 * @throws Error that names both gateways, the option, and both values
 */
export function checkSharedPaths(mounted: readonly { gateway: Gateway; serverName: string }[]): void {
  const firstValues = new Map<string, { gateway: string; value: unknown }>();
  for (const { gateway, serverName } of mounted) {
    const { name } = gateway.type;
    for (const [option, value] of Object.entries(flatten(gateway.options))) {
      if (value === undefined) continue;
      const key = `${serverName} ${option}`;
      const first = firstValues.get(key);
      if (first === undefined) firstValues.set(key, { gateway: name, value });
      else if (!isDeepStrictEqual(first.value, value))
        throw withCode(
          'ERR_ENVELOPE_PATH_CONFLICT',
          new Error(
            `${first.gateway} and ${name} share the path ${serverName} and differ in ${option}` +
              `${contrast(first.value, value)}. One connection serves both: set ${option} in one of them, or on ` +
              'EnvelopeAdapter',
          ),
        );
    }
  }
}

/** Shows two values, unless both look the same: errors show only the types of an object's fields. */
function contrast(first: unknown, second: unknown): string {
  const [a, b] = [show(first), show(second)];
  return a === b ? '' : `: ${a} and ${b}`;
}

/** Returns the options that apply to the connection, with each limit as a separate option `limits.<name>`. */
function flatten(options: PathOptions): Record<string, unknown> {
  const { limits: _, maxPayload: __, maxHttpBufferSize: ___, ...others } = options;
  const limits = Object.entries(limitsOf(options) ?? {});
  const shared = Object.entries(others).filter(([name]) => !['path', 'namespace', 'port'].includes(name));
  return Object.fromEntries([...shared, ...limits.map(([name, value]) => [`limits.${name}`, value])]);
}
