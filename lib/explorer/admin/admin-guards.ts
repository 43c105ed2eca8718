import {
  Scope,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type ScopeOptions,
  type Type,
} from '@nestjs/common';
import { ContextIdFactory, ModuleRef, ModulesContainer } from '@nestjs/core';
import { runGuards } from '../../nest/guards/upgrade-guards.js';
import { ClientHost, UpgradeContext } from '../../nest/guards/upgrade-context.js';
import { withCode } from '../../protocol/with-code.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { HttpRefusal } from '../../server/upgrade/http-refusal.js';
import type { GuardRef } from './admin-options.js';

/** The class that guards see as the gateway. It has no metadata of roles or other decorators. */
export class EnvelopeConsole {
  /** The method that guards see as the handler. */
  handle(): void {}
}

/** What guards get for one request of an admin. */
class RequestContext extends ClientHost implements ExecutionContext {
  constructor(
    client: EnvelopeSocket,
    private readonly data: unknown,
    private readonly event: string,
  ) {
    super(client, event);
  }
  override getArgs<Args extends unknown[]>(): Args {
    return [this.client, this.data, this.event] as unknown[] as Args;
  }
  override switchToWs(): ReturnType<ClientHost['switchToWs']> {
    return { ...super.switchToWs(), getData: <Data>() => this.data as Data };
  }
  getClass<Class>(): Type<Class> {
    return EnvelopeConsole as Type;
  }
  getHandler(): ReturnType<ExecutionContext['getHandler']> {
    return handlerOf(EnvelopeConsole);
  }
}

/** Returns the guard for one check of a client. */
type Load = (client: EnvelopeSocket) => CanActivate | Promise<CanActivate>;

/** Runs the guards of the console: at the upgrade, and at each request. */
export class AdminGuards {
  private readonly found = new Map<GuardRef, Promise<Load>>();

  /** @param report receives errors of guards that are no exception for the client */
  constructor(
    private readonly app: INestApplication,
    private readonly guards: readonly GuardRef[],
    private readonly report: (error: unknown) => void,
  ) {}

  /** The names of the guards, for the log. */
  get names(): string {
    return this.guards
      .map((guard) => (typeof guard === 'function' ? guard.name : guard.constructor.name))
      .join(', ');
  }

  /** Finds all guards, so that one that cannot be created is known at the start. @throws (rejects) Error that names the guard */
  async load(): Promise<void> {
    for (const guard of this.guards) if (typeof guard === 'function') await this.find(guard);
  }

  /** Resolves with the refusal of an upgrade, or with `undefined`. Never rejects. */
  async atUpgrade(client: EnvelopeSocket): Promise<HttpRefusal | undefined> {
    const context = new UpgradeContext(client, EnvelopeConsole, handlerOf(EnvelopeConsole));
    const refused = await this.run(client, context);
    return refused && { ...refused, headers: context.response._headers };
  }

  /** Resolves with the refusal of a request, or with `undefined`. Never rejects. */
  atRequest(client: EnvelopeSocket, event: string, data: unknown): Promise<HttpRefusal | undefined> {
    return this.run(client, new RequestContext(client, data, event));
  }

  private run(client: EnvelopeSocket, context: ExecutionContext): Promise<HttpRefusal | undefined> {
    const load = async (guard: GuardRef): Promise<CanActivate> =>
      typeof guard === 'function' ? (await this.find(guard))(client) : guard;
    return runGuards(this.guards, load, client, context, this.report);
  }

  private find(guard: Type<CanActivate>): Promise<Load> {
    let found = this.found.get(guard);
    if (found === undefined) {
      this.found.set(guard, (found = findGuard(this.app, guard)));
      // tried again at the next request
      found.catch(() => this.found.delete(guard));
    }
    return found;
  }
}

/**
 * Finds the guard that a module provides, or creates one in the first module that has all that it needs. A request-scoped or transient
 * guard is created for each check: it may keep what it knows of one admin, and must not let another one pass with it.
 */
async function findGuard(app: INestApplication, guard: Type<CanActivate>): Promise<Load> {
  const modules = [...app.get(ModulesContainer, { strict: false }).values()];
  for (const { providers } of modules) {
    const provider = providers.get(guard);
    if (provider === undefined) continue;
    if (provider.isDependencyTreeStatic() && !provider.isTransient)
      return () => provider.instance as CanActivate;
    const moduleRef = providers.get(ModuleRef)!.instance as ModuleRef;
    return (client) => resolveFor(client, moduleRef, guard);
  }
  const instance = await createGuard(modules, guard);
  return () => instance;
}

/** Creates a guard for one check. It can inject the client as `REQUEST`. */
function resolveFor(
  client: EnvelopeSocket,
  moduleRef: ModuleRef,
  guard: Type<CanActivate>,
): Promise<CanActivate> {
  const context = ContextIdFactory.create();
  moduleRef.registerRequestByContextId(client, context);
  return moduleRef.resolve(guard, context);
}

/** @throws (rejects) Error that names the guard, if it cannot be created, or must not be the same for all admins */
async function createGuard(
  modules: readonly { providers: Map<unknown, { instance: unknown }> }[],
  guard: Type<CanActivate>,
): Promise<CanActivate> {
  const { scope = Scope.DEFAULT } = (Reflect.getMetadata(SCOPE_OPTIONS, guard) ?? {}) as ScopeOptions;
  if (scope !== Scope.DEFAULT)
    throw notCreated(guard, 'of a module, because it is request-scoped or transient');
  let cause: unknown;
  for (const { providers } of modules) {
    const moduleRef = providers.get(ModuleRef)?.instance as ModuleRef | undefined;
    try {
      if (moduleRef !== undefined) return await moduleRef.create(guard);
    } catch (error) {
      cause ??= error;
    }
  }
  throw notCreated(guard, 'of the module that has what it injects', cause);
}

function notCreated({ name }: Type, where: string, cause?: unknown): Error {
  return withCode(
    'ERR_ENVELOPE_INVALID_OPTION',
    new Error(
      `EnvelopeExplorer.setup: admin.guards: ${name} cannot be created: list it in the providers ${where}`,
      { cause },
    ),
  );
}

/** The key under which `@Injectable()` keeps the scope of a class. */
const SCOPE_OPTIONS = 'scope:options';

function handlerOf({ prototype }: typeof EnvelopeConsole): () => void {
  return Object.getOwnPropertyDescriptor(prototype, 'handle')!.value as () => void;
}
