import { Catch, type ExceptionFilter } from '@nestjs/common';
import { requestContext } from '../../server/socket/incoming-request.js';
import { currentTrace } from '../../server/diagnostics/current-trace.js';
import { EnvelopeExceptionFilter } from './envelope-exception-filter.js';
import type { Gateway } from '../gateways/gateway-explorer.js';
import { filtersOf, NEST } from '../gateways/nest-metadata.js';
import { SharedPatch } from '../gateways/shared-patch.js';

/**
 * An exception type that no exception is of. Nest asks it first, right before it picks the filter that will run;
 * that is how a request learns that it failed, whatever that filter says or does not say to the client.
 */
class FailureWitness {
  static [Symbol.hasInstance](error: unknown): boolean {
    currentTrace()?.fail(error);
    const request = requestContext.getStore();
    if (request !== undefined) request.failing = true;
    return false;
  }
}

@Catch(FailureWitness)
class WitnessFilter implements ExceptionFilter {
  catch(): void {}
}

const fallback = new EnvelopeExceptionFilter();
const witness = new WitnessFilter();
const patches = new SharedPatch<object>();

/**
 * Gives a gateway the package's filter at the lowest precedence, and each of its handlers the witness at the
 * highest. It goes by the metadata that `@UseFilters` writes, before Nest binds the gateway, since Nest hands over
 * handlers that are already wrapped in its own filter, and no global filter reaches gateways.
 *
 * @returns what undoes it
 */
export function installFilters(gateway: Gateway): () => void {
  const undos = [
    patches.acquire(gateway.type, (type) => prepend(type, fallback)),
    ...gateway.handlers.map((handler) => patches.acquire(handler, (method) => append(method, witness))),
  ];
  return () => undos.forEach((undo) => undo());
}

// Nest looks at the last filter of the method first, and at the first of the class last.
function prepend(target: object, filter: unknown): () => void {
  return define(target, [filter, ...filtersOf(target).filter((other) => other !== filter)]);
}
function append(target: object, filter: unknown): () => void {
  return define(target, [...filtersOf(target), filter]);
}

function define(target: object, filters: unknown[]): () => void {
  const own = Reflect.getOwnMetadata(NEST.filters, target) as unknown;
  Reflect.defineMetadata(NEST.filters, filters, target);
  return () => {
    if (own === undefined) Reflect.deleteMetadata(NEST.filters, target);
    else Reflect.defineMetadata(NEST.filters, own, target);
  };
}
