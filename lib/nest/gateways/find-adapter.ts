import type { INestApplicationContext } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import type { EnvelopeOptions } from '../options/options.js';
import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';

/** What the package's other entries ask of the adapter: its class nothing but the package's face imports. */
export interface KnownAdapter {
  readonly _options: EnvelopeOptions;
  _servers(): readonly EnvelopeServer[];
}

/** Nest's own, which has the global guards and the adapter. */
export function configOf(app: INestApplicationContext): ApplicationConfig | undefined {
  return Reflect.get(app, 'config') as ApplicationConfig | undefined;
}

/** The application's `EnvelopeAdapter`; `undefined` where it has none yet, or another one. */
export function findAdapter(app: INestApplicationContext): KnownAdapter | undefined {
  const adapter: object | null | undefined = configOf(app)?.getIoAdapter();
  return adapter && '_servers' in adapter ? (adapter as KnownAdapter) : undefined;
}
