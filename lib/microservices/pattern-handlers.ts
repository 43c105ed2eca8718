import { Catch, type ExceptionFilter, type Type } from '@nestjs/common';
import { MetadataScanner } from '@nestjs/core';
import { EMPTY, type Observable } from 'rxjs';
import { appendFilter } from '../nest/errors/filter-installer.js';
import { SharedPatch } from '../nest/gateways/shared-patch.js';
import { isOrdered } from '../nest/handlers/ordered.js';
import { isAbort } from '../server/socket/abort-error.js';

/** The metadata key of `@MessagePattern` and `@EventPattern`, which Nest exports from an internal path. */
const PATTERN = 'microservices:pattern';

/** The type of the errors that say that the signal of a handler was aborted. */
class Abort {
  static [Symbol.hasInstance](error: unknown): boolean {
    return isAbort(error);
  }
}

/** Nest's own filter would log such an error. The client has its answer, or is gone. */
@Catch(Abort)
class AbortFilter implements ExceptionFilter {
  catch(): Observable<never> {
    return EMPTY;
  }
}

const filter = new AbortFilter();
const patches = new SharedPatch<object>();

/** The handlers of patterns of an application. Their aborted signals are no errors. */
export class PatternHandlers {
  /** The patterns whose handlers have `@Ordered()`, as their decorators declare them. */
  readonly ordered: readonly unknown[];
  private readonly undos: (() => void)[];

  constructor(controllers: readonly Type[]) {
    const handlers = controllers.flatMap(handlersOf);
    this.ordered = handlers.filter(isOrdered).flatMap(patternsOf);
    // before Nest binds the handlers
    this.undos = handlers.map((handler) =>
      patches.acquire(handler, (method) => appendFilter(method, filter)),
    );
  }

  /** Undoes the changes to the handlers. */
  close(): void {
    for (const undo of this.undos.splice(0)) undo();
  }
}

function handlersOf({ prototype }: Type): object[] {
  const methods = prototype as Record<string, object>;
  return new MetadataScanner()
    .getAllMethodNames(methods)
    .map((name) => methods[name]!)
    .filter((method) => Reflect.hasMetadata(PATTERN, method));
}

function patternsOf(handler: object): unknown[] {
  return [Reflect.getMetadata(PATTERN, handler)].flat();
}
