import { Catch, type ArgumentsHost, type ExceptionFilter, type Type } from '@nestjs/common';
import { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { ClientHost } from '../guards/upgrade-context.js';
import { endRefused } from '../errors/envelope-exception-filter.js';
import type { Gateway } from '../gateways/gateway-explorer.js';
import { filtersOf, NEST } from '../gateways/nest-metadata.js';

/**
 * The only filter of a request-scoped gateway's wrapped hook. The wrapper takes what the hook throws, so that this one
 * gets what Nest 12 came to before there was a hook to call: a dependency that could not be made.
 */
@Catch()
export class InstantiationErrorFilter implements ExceptionFilter {
  constructor(private readonly onInstantiationError: (client: EnvelopeSocket, error: unknown) => void) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const client: unknown = host.switchToWs().getClient();
    if (client instanceof EnvelopeSocket) this.onInstantiationError(client, error);
  }
}

/** Runs the gateway's exception filters on what its `handleConnection` threw, then closes the client. */
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

/** Applications may share a class, not what is injected into its filters: the one that the client is connected to. */
function gatewayOf(client: EnvelopeSocket, type: Type): Gateway | undefined {
  return (client.nsp._config.gateway.gateways as readonly Gateway[]).find((gateway) => gateway.type === type);
}

/** The filter that Nest would take: the method's before the class's, the last one first. */
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
