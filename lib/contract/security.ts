import type { Gateway } from '../nest/gateways/gateway-explorer.js';
import { guardsAtUpgrade, guardsOf, type GuardRef } from '../nest/guards/upgrade-guards.js';
import type { UpgradeGuards } from '../nest/options/options.js';
import { securedBy, type Secured } from './decorators.js';
import type { Reference, SecurityScheme } from './asyncapi-types.js';
import { pointer, sorted } from './naming.js';
import { withCode } from '../protocol/with-code.js';

/** Names under which `@nestjs/swagger`'s decorators speak of what needs no further word. */
const KNOWN: Readonly<Record<string, SecurityScheme>> = {
  bearer: { type: 'http', scheme: 'bearer' },
  basic: { type: 'http', scheme: 'basic' },
};

/** What one thing demands of a client, with who says so. */
export type Demand = Secured & { readonly where: string };

/** What a client needs to connect: every gateway's guards at the upgrade are asked. */
export function demandsOfConnection(gateways: readonly Gateway[], option: UpgradeGuards): Demand[] {
  return gateways.flatMap((gateway) => demandsOfGuards(guardsAtUpgrade(gateway, option), gateway.type.name));
}

/** What a gateway demands of each message of its own. */
export function demandsOfGateway({ type }: Gateway): Demand[] {
  return demandsOf(type, type.name);
}

/** What a gateway or a handler demands, by its own decorators and by its guards. */
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
  private readonly isGiven: ReadonlySet<string>;

  /** @param given win over what decorators say */
  constructor(given: Readonly<Record<string, SecurityScheme>> = {}) {
    this.isGiven = new Set(Object.keys(given));
    for (const [name, scheme] of Object.entries(given)) this.schemes.set(name, fromOpenApi(scheme));
    for (const name of this.isGiven) this.used.set(name, this.schemes.get(name)!);
  }

  /** Hears of the schemes that decorators describe. @throws Error where one name stands for two */
  learn(demands: readonly Demand[]): void {
    for (const { name, scheme, where } of demands) {
      if (scheme === undefined || this.isGiven.has(name)) continue;
      const described = fromOpenApi(scheme);
      const before = this.schemes.get(name);
      if (before !== undefined && JSON.stringify(before) !== JSON.stringify(described))
        throw withCode(
          'ERR_ENVELOPE_INVALID_CONTRACT',
          new Error(
            `The security scheme "${name}" is described twice, and differently, the second time by ${where}: ` +
              'use two names, or describe it once',
          ),
        );
      this.schemes.set(name, described);
    }
  }

  /** The schemes of demands, each once, in the order of their names. @throws Error on one that nobody described */
  of(
    demands: readonly Demand[],
  ): { readonly name: string; readonly scheme: SecurityScheme; readonly scopes: string[] }[] {
    const names = new Map<string, Set<string>>();
    for (const { name, scopes } of demands) names.set(name, new Set([...(names.get(name) ?? []), ...scopes]));
    return [...names]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, scopes]) => ({ name, scheme: this.find(name, demands), scopes: [...scopes].sort() }));
  }

  /** `security` of an operation. */
  references(demands: readonly Demand[]): (Reference | SecurityScheme)[] {
    return this.of(demands).map(({ name, scheme, scopes }) =>
      // only those know of scopes, and only beside what they belong to
      scopes.length > 0 && /^(oauth2|openIdConnect)$/.test(scheme.type)
        ? { ...scheme, scopes }
        : { $ref: pointer('components', 'securitySchemes', name) },
    );
  }

  /** `components.securitySchemes`: those that were given, and those in use. */
  components(): Record<string, SecurityScheme> {
    return sorted(this.used);
  }

  private find(name: string, demands: readonly Demand[]): SecurityScheme {
    const scheme = this.schemes.get(name) ?? KNOWN[name];
    if (scheme === undefined) {
      const { where } = demands.find((demand) => demand.name === name)!;
      throw withCode(
        'ERR_ENVELOPE_INVALID_CONTRACT',
        new Error(
          `${where} asks for the security scheme "${name}", which nobody describes: give it to @Security, or to the ` +
            'contract as securitySchemes',
        ),
      );
    }
    this.used.set(name, scheme);
    return scheme;
  }
}

/** OpenAPI's Security Scheme Object, as `DocumentBuilder` of `@nestjs/swagger` takes it, as AsyncAPI's. */
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
