import { Catch, type ArgumentsHost, type ExceptionFilter, type Type } from '@nestjs/common';
import { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { ClientHost } from '../guards/upgrade-context.js';
import { endRefused } from '../errors/envelope-exception-filter.js';
import type { Gateway } from '../gateways/gateway-explorer.js';
import { filtersOf, NEST } from '../gateways/nest-metadata.js';

/**
 * Handles the errors of the dependency injection in request-scoped gateways. On Nest 12, it is the only filter of a
 * wrapped hook. The wrapper catches what the hook throws, so that this filter only receives errors of Nest before the
 * call: a dependency could not be created.
 */
@Catch()
export class InstantiationErrorFilter implements ExceptionFilter {
  constructor(private readonly onInstantiationError: (client: EnvelopeSocket, error: unknown) => void) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const client: unknown = host.switchToWs().getClient();
    if (client instanceof EnvelopeSocket) this.onInstantiationError(client, error);
  }
}

/**
 * Handles an error of a gateway's `handleConnection`: runs the exception filters of the gateway, then closes the
 * client's connection. Never rejects.
 */
export async function failConnection(
  type: Type,
  method: object,
  client: EnvelopeSocket,
  error: unknown,
): Promise<void> {
  try {
    await selectFilter(gatewayOf(client, type), method, error)?.catch(
      error,
      new ClientHost(client, 'handleConnection'),
    );
  } catch (filterError) {
    client._report(filterError, `an exception filter of ${type.name} threw`);
  }
  endRefused(client, error);
}

/**
 * Returns the gateway of a class that the client is connected to. Two applications may share the class, but not its
 * injected filters.
 */
function gatewayOf(client: EnvelopeSocket, type: Type): Gateway | undefined {
  return (client.nsp._config.gateway.gateways as readonly Gateway[]).find((gateway) => gateway.type === type);
}

/**
 * Returns the first filter that catches an error, in Nest's order: those of the method before those of the class, each
 * from last to first.
 */
function selectFilter(
  gateway: Gateway | undefined,
  method: object,
  error: unknown,
): ExceptionFilter | undefined {
  if (gateway === undefined) return undefined;
  const declared = [...filtersOf(gateway.type), ...filtersOf(method)].reverse();
  return declared
    .map((filter) => instantiate(gateway, filter))
    .find((filter) => filter !== undefined && catches(filter, error));
}

function instantiate(gateway: Gateway, filter: unknown): ExceptionFilter | undefined {
  if (typeof filter !== 'function') return filter as ExceptionFilter;
  return gateway.wrapper.host?.injectables.get(filter as Type)?.instance as ExceptionFilter | undefined;
}

function catches(filter: ExceptionFilter, error: unknown): boolean {
  const types = Reflect.getMetadata(NEST.caughtExceptions, filter.constructor) as Type[] | undefined;
  return types === undefined || types.length === 0 || types.some((type) => error instanceof type);
}
