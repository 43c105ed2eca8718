import type { Logger } from '@nestjs/common';
import { installFilters } from '../errors/filter-installer.js';
import { declarePort, type Gateway } from '../gateways/gateway-explorer.js';
import { convertIterablesToObservables } from '../handlers/handler-observables.js';
import { wrapHooks } from '../hooks/lifecycle-hooks.js';

/**
 * Changes gateways before Nest binds them: their port as Nest reads it, their exception filters, the results of their
 * handlers, and their lifecycle hooks.
 *
 * @returns one function for each change, which undoes it
 */
export function setUpGateways(gateways: readonly Gateway[], logger: Logger): (() => void)[] {
  return gateways.flatMap((gateway) => {
    const undoPort = declarePort(gateway);
    if (undoPort !== undefined) warnOfTextPort(gateway, logger);
    return [
      ...(undoPort === undefined ? [] : [undoPort]),
      installFilters(gateway),
      ...gateway.handlers.map(convertIterablesToObservables),
      wrapHooks(gateway),
    ];
  });
}

function warnOfTextPort({ type, port, options }: Gateway, logger: Logger): void {
  if (options.port !== undefined) return;
  logger.warn(
    `${type.name}: the port is the text "${port}". Nest ignores options beside a text: write ` +
      `@WebSocketGateway(${port}, options)`,
  );
}
