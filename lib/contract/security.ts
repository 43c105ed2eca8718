import type { Gateway } from '../nest/gateways/gateway-explorer.js';
import { guardsAtUpgrade, guardsOf, type GuardRef } from '../nest/guards/upgrade-guards.js';
import type { UpgradeGuards } from '../nest/options/options.js';
import { securedBy, type Secured } from './decorators.js';
import type { Reference, SecurityScheme } from './asyncapi-types.js';
import { pointer, sorted } from './naming.js';
import { withCode } from '../protocol/with-code.js';

/** Schemes that `@nestjs/swagger`'s decorators use by name, without a description. */
const DEFAULT_SCHEMES: Readonly<Record<string, SecurityScheme>> = {
  bearer: { type: 'http', scheme: 'bearer' },
  basic: { type: 'http', scheme: 'basic' },
};

/** A security scheme that a guard, gateway or handler demands, and where. */
export type Demand = Secured & { readonly where: string };

/** Returns the demands on a connection: those of all guards that run at the upgrade, of every gateway on the path. */
export function demandsOfConnection(gateways: readonly Gateway[], option: UpgradeGuards): Demand[] {
  return gateways.flatMap((gateway) => demandsOfGuards(guardsAtUpgrade(gateway, option), gateway.type.name));
}

/** Returns the demands on every message of a gateway. */
export function demandsOfGateway({ type }: Gateway): Demand[] {
  return demandsOf(type, type.name);
}

/** Returns the demands of a gateway or a handler: those of its decorators and of its guards. */
export function demandsOf(target: object, where: string): Demand[] {
  const own = securedBy(target).map((secured) => ({ ...secured, where }));
  return [...own, ...demandsOfGuards(guardsOf(target), where)];
}

function demandsOfGuards(guards: readonly GuardRef[], where: string): Demand[] {
  return guards.flatMap((guard) => {
    const type = typeof guard === 'function' ? guard : guard.constructor;
    return securedBy(type).map((secured) => ({ ...secured, where: `${type.name} of ${where}` }));
  });
}

/** The security schemes of a contract, by name. */
export class SecuritySchemes {
  private readonly schemes = new Map<string, SecurityScheme>();
  private readonly used = new Map<string, SecurityScheme>();
  private readonly givenNames: ReadonlySet<string>;

  /** @param given schemes that override those of decorators */
  constructor(given: Readonly<Record<string, SecurityScheme>> = {}) {
    this.givenNames = new Set(Object.keys(given));
    for (const [name, scheme] of Object.entries(given)) this.schemes.set(name, fromOpenApi(scheme));
    for (const name of this.givenNames) this.used.set(name, this.schemes.get(name)!);
  }

  /**
   * Adds the schemes that decorators describe.
   *
   * @throws Error if two different schemes have the same name
   */
  add(demands: readonly Demand[]): void {
    for (const { name, scheme, where } of demands) {
      if (scheme === undefined || this.givenNames.has(name)) continue;
      const described = fromOpenApi(scheme);
      const before = this.schemes.get(name);
      if (before !== undefined && JSON.stringify(before) !== JSON.stringify(described))
        throw withCode(
          'ERR_ENVELOPE_INVALID_CONTRACT',
          new Error(
            `createContract: the security scheme "${name}" has two different descriptions, the second one at ${where}. ` +
              'Use two names, or describe it once',
          ),
        );
      this.schemes.set(name, described);
    }
  }

  /**
   * Returns the schemes of these demands, each once, in the order of their names.
   *
   * @throws Error if one is not described
   */
  of(
    demands: readonly Demand[],
  ): { readonly name: string; readonly scheme: SecurityScheme; readonly scopes: string[] }[] {
    const names = new Map<string, Set<string>>();
    for (const { name, scopes } of demands) names.set(name, new Set([...(names.get(name) ?? []), ...scopes]));
    return [...names]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, scopes]) => ({ name, scheme: this.find(name, demands), scopes: [...scopes].sort() }));
  }

  /** Returns `security` of an operation. */
  references(demands: readonly Demand[]): (Reference | SecurityScheme)[] {
    return this.of(demands).map(({ name, scheme, scopes }) =>
      // only these types have scopes, and a reference cannot carry them
      scopes.length > 0 && /^(oauth2|openIdConnect)$/.test(scheme.type)
        ? { ...scheme, scopes }
        : { $ref: pointer('components', 'securitySchemes', name) },
    );
  }

  /** Returns `components.securitySchemes`: the given ones, and those in use. */
  components(): Record<string, SecurityScheme> {
    return sorted(this.used);
  }

  private find(name: string, demands: readonly Demand[]): SecurityScheme {
    const scheme = this.schemes.get(name) ?? DEFAULT_SCHEMES[name];
    if (scheme === undefined) {
      const { where } = demands.find((demand) => demand.name === name)!;
      throw withCode(
        'ERR_ENVELOPE_INVALID_CONTRACT',
        new Error(
          `createContract: ${where} demands the security scheme "${name}", which is not described. Describe it in ` +
            '@Security or in the option securitySchemes',
        ),
      );
    }
    this.used.set(name, scheme);
    return scheme;
  }
}

/** Converts OpenAPI's Security Scheme Object, which `DocumentBuilder` of `@nestjs/swagger` accepts, to AsyncAPI's. */
function fromOpenApi(scheme: SecurityScheme): SecurityScheme {
  const { type, name, in: place, flows } = scheme;
  if (type === 'apiKey' && name !== undefined && place !== 'user' && place !== 'password')
    return { ...scheme, type: 'httpApiKey' };
  if (type !== 'oauth2' || typeof flows !== 'object' || flows === null) return scheme;
  const renamed = Object.entries(flows as Record<string, Record<string, unknown>>).map(
    ([flow, { scopes, ...rest }]) => [
      flow,
      { ...rest, ...(scopes !== undefined && { availableScopes: scopes }) },
    ],
  );
  return { ...scheme, flows: Object.fromEntries(renamed) as object };
}
