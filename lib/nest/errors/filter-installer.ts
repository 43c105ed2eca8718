import { Catch, type ExceptionFilter } from '@nestjs/common';
import { isAbort } from '../../server/socket/abort-error.js';
import { requestContext } from '../../server/socket/incoming-request.js';
import { currentTrace } from '../../server/diagnostics/current-trace.js';
import { EnvelopeExceptionFilter } from './envelope-exception-filter.js';
import type { Gateway } from '../gateways/gateway-explorer.js';
import { filtersOf, NEST } from '../gateways/nest-metadata.js';
import { SharedPatch } from '../gateways/shared-patch.js';

/**
 * An exception type. Nest checks every exception against it first, right before it picks the filter that runs. That check
 * marks the current request as failed, whatever the filter then sends to the client. It matches only what a handler throws
 * because its signal was aborted: then no filter runs.
 */
class FailureDetector {
  static [Symbol.hasInstance](error: unknown): boolean {
    const request = requestContext.getStore();
    if (isAbort(error, request?.isAborted)) return true;
    currentTrace()?.fail(error);
    if (request !== undefined) request.failing = true;
    return false;
  }
}

@Catch(FailureDetector)
class FailureDetectorFilter implements ExceptionFilter {
  catch(): void {}
}

const fallbackFilter = new EnvelopeExceptionFilter();
const detectorFilter = new FailureDetectorFilter();
const patches = new SharedPatch<object>();

/**
 * Adds {@link EnvelopeExceptionFilter} to a gateway at the lowest precedence, and the failure detector to each of its
 * handlers at the highest. It changes the metadata of `@UseFilters` before Nest binds the gateway, because Nest passes
 * handlers to the adapter that are already wrapped in its own filter, and does not apply global filters to gateways.
 *
 * @returns a function that restores the metadata
 */
export function installFilters(gateway: Gateway): () => void {
  const undos = [
    patches.acquire(gateway.type, (type) => prepend(type, fallbackFilter)),
    ...gateway.handlers.map((handler) =>
      patches.acquire(handler, (method) => appendFilter(method, detectorFilter)),
    ),
  ];
  return () => undos.forEach((undo) => undo());
}

// Nest tries the last filter of the method first, and the first filter of the class last.
function prepend(target: object, filter: unknown): () => void {
  return define(target, [filter, ...filtersOf(target).filter((other) => other !== filter)]);
}
/** Adds an exception filter to a method, at the highest precedence. @returns a function that removes it */
export function appendFilter(target: object, filter: unknown): () => void {
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
