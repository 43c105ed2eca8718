import type { CanActivate, ExecutionContext, INestApplication, Type } from '@nestjs/common';
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

/** Runs the guards of the console: at the upgrade, and at each request. */
export class AdminGuards {
  private readonly created = new Map<GuardRef, Promise<CanActivate>>();

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

  /** Creates all guards, so that one that cannot be created is known at the start. @throws (rejects) Error that names the guard */
  async load(): Promise<void> {
    for (const guard of this.guards) if (typeof guard === 'function') await this.instanceOf(guard);
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
    const load = (guard: GuardRef): CanActivate | Promise<CanActivate> =>
      typeof guard === 'function' ? this.instanceOf(guard) : guard;
    return runGuards(this.guards, load, client, context, this.report);
  }

  private instanceOf(guard: Type<CanActivate>): Promise<CanActivate> {
    let instance = this.created.get(guard);
    if (instance === undefined) {
      this.created.set(guard, (instance = createGuard(this.app, guard)));
      // tried again at the next request
      instance.catch(() => this.created.delete(guard));
    }
    return instance;
  }
}

/** Returns the instance that a module provides, or creates one in the first module that has all that it needs. */
async function createGuard(app: INestApplication, guard: Type<CanActivate>): Promise<CanActivate> {
  const modules = [...app.get(ModulesContainer, { strict: false }).values()];
  let cause: unknown;
  for (const { providers } of modules) {
    const provider = providers.get(guard);
    if (provider?.isDependencyTreeStatic() === true && !provider.isTransient)
      return provider.instance as CanActivate;
  }
  for (const { providers } of modules) {
    const moduleRef = providers.get(ModuleRef)?.instance as ModuleRef | undefined;
    try {
      if (moduleRef !== undefined) return await createIn(moduleRef, guard, providers.has(guard));
    } catch (error) {
      cause ??= error;
    }
  }
  throw withCode(
    'ERR_ENVELOPE_INVALID_OPTION',
    new Error(
      `EnvelopeExplorer.setup: admin.guards: ${guard.name} cannot be created: list it in the providers of the module that has what it injects`,
      { cause },
    ),
  );
}

function createIn(moduleRef: ModuleRef, guard: Type<CanActivate>, isProvided: boolean): Promise<CanActivate> {
  if (!isProvided) return moduleRef.create(guard);
  // request-scoped or transient: one for all admins
  return moduleRef.resolve(guard, ContextIdFactory.create());
}

function handlerOf({ prototype }: typeof EnvelopeConsole): () => void {
  return Object.getOwnPropertyDescriptor(prototype, 'handle')!.value as () => void;
}
