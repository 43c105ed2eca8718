import type { CanActivate, Type } from '@nestjs/common';
import { assertOptions, refuseOption } from '../../protocol/refuse.js';

/** The option `admin` of `EnvelopeExplorer.setup`: the live console. */
export interface AdminOptions {
  /**
   * Guards of the console, as `@UseGuards()` takes them: at least one. All of them must let an admin pass, before the connection opens
   * and again at each request. They get the client as guards of gateways do, and set `client.user`, which the audit log names.
   */
  guards: readonly (CanActivate | Type<CanActivate>)[];
  /** Refuses all actions: an admin can only look. Default: `false`. */
  readOnly?: boolean;
  /** Shows the payloads of live frames, which may be private. Default: `false`: only event names and sizes. */
  payloads?: boolean;
}

/** A guard: a class or an instance. */
export type GuardRef = AdminOptions['guards'][number];

/** The options with their defaults. */
export type ResolvedAdmin = Required<AdminOptions>;

const WHERE = 'EnvelopeExplorer.setup';

/**
 * Checks the option `admin`.
 *
 * @throws TypeError on an unknown or malformed option, and without a guard
 */
export function resolveAdmin(options: AdminOptions): ResolvedAdmin {
  assertOptions(WHERE, options, ['guards', 'readOnly', 'payloads'], '{ guards: [AdminGuard] }', 'admin');
  const { guards, readOnly = false, payloads = false } = options;
  if (!Array.isArray(guards) || guards.length === 0)
    refuseOption(
      WHERE,
      'admin.guards',
      guards,
      'a list of at least one guard: whoever passes sees every connection',
    );
  for (const guard of guards as unknown[])
    if (!isGuard(guard))
      refuseOption(WHERE, 'admin.guards', guard, 'guards: classes or objects with canActivate()');
  for (const [name, value] of Object.entries({ readOnly, payloads }))
    if (typeof value !== 'boolean') refuseOption(WHERE, `admin.${name}`, value, 'true or false');
  return { guards, readOnly, payloads };
}

function isGuard(guard: unknown): boolean {
  const target: unknown = typeof guard === 'function' ? guard.prototype : guard;
  return typeof Reflect.get(Object(target) as object, 'canActivate') === 'function';
}
