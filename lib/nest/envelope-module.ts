import {
  Global,
  Inject,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type Provider,
  type Type,
} from '@nestjs/common';
import { ServerRegistry } from './server-registry.js';
import type { EnvelopeOptions } from './options/options.js';
import { EnvelopeServer } from '../server/namespace/envelope-server.js';
import { isRecordLike, refuse, refuseOption } from '../protocol/refuse.js';
import { withCode } from '../protocol/with-code.js';
import { normalisePath } from '../server/upgrade/path-pattern.js';
import { injectedPaths, rememberInjection, WiringCheck } from './wiring-check.js';

/** The token under which {@link EnvelopeModule} provides its options. */
export const ENVELOPE_OPTIONS = Symbol.for('nestjs-envelope.options');

/** Makes the options in a class, for `useClass` and `useExisting`. */
export interface EnvelopeOptionsFactory {
  createEnvelopeOptions(): EnvelopeOptions | Promise<EnvelopeOptions>;
}

/** What `forRootAsync` takes, as in Nest's own modules. */
export interface EnvelopeAsyncOptions {
  imports?: DynamicModule['imports'];
  inject?: FactoryProvider['inject'];
  useFactory?: (...dependencies: never[]) => EnvelopeOptions | Promise<EnvelopeOptions>;
  useClass?: Type<EnvelopeOptionsFactory>;
  useExisting?: Type<EnvelopeOptionsFactory>;
}

/** The token of the server of one path. @throws TypeError where `path` is no text */
export function getEnvelopeServerToken(path: string): string {
  if (typeof path !== 'string') refuse('getEnvelopeServerToken', 'path', path, "a text, such as '/chat'");
  return `EnvelopeServer:${path.startsWith(':') ? path : normalisePath(path)}`;
}

/**
 * Injects the server of one path: `@InjectEnvelopeServer('/chat') chat: EnvelopeServer`. Without a path it is the one that
 * is injected by its class alone.
 *
 * @throws TypeError where `path` is no text
 */
export function InjectEnvelopeServer(path?: string): PropertyDecorator & ParameterDecorator {
  if (path === undefined) return Inject(EnvelopeServer);
  if (typeof path !== 'string') refuse('@InjectEnvelopeServer', 'path', path, "a text, such as '/chat'");
  // Nest's own type has the index of a parameter, which a property has not
  const inject = Inject(getEnvelopeServerToken(path)) as (
    target: object,
    key: string | symbol | undefined,
    index?: number,
  ) => void;
  return (target: object, key: string | symbol | undefined, index?: number) => {
    rememberInjection(path, target);
    inject(target, key, index);
  };
}

/**
 * Makes {@link EnvelopeServer} injectable everywhere: the server on the adapter's default path, or the only one
 * that there is; and by {@link InjectEnvelopeServer} that of any path. The options are those of `EnvelopeAdapter`.
 */
@Global()
@Module({})
export class EnvelopeModule {
  /** @throws TypeError where the options are no object; what is wrong in them is said by the adapter, when it is made */
  static forRoot(options: EnvelopeOptions = {}): DynamicModule {
    if (!isRecordLike(options))
      refuse('EnvelopeModule.forRoot', 'options', options, "an object, such as { path: '/ws' }");
    return describe([{ provide: ENVELOPE_OPTIONS, useValue: options }]);
  }

  /** @throws Error where neither `useFactory`, `useClass` nor `useExisting` is given */
  static forRootAsync(options: EnvelopeAsyncOptions): DynamicModule {
    const where = 'EnvelopeModule.forRootAsync';
    const example = '{ useFactory: () => ({}) }';
    if (!isRecordLike(options)) refuse(where, 'options', options, `an object, such as ${example}`);
    const { useFactory, useClass, useExisting, imports } = options;
    for (const [name, value] of Object.entries({ useFactory, useClass, useExisting }))
      if (value !== undefined && typeof value !== 'function')
        refuseOption(where, name, value, 'a function or a class');
    return describe(asyncProviders(options), imports);
  }
}

function asyncProviders({ useFactory, useClass, useExisting, inject }: EnvelopeAsyncOptions): Provider[] {
  if (useFactory !== undefined) return [{ provide: ENVELOPE_OPTIONS, useFactory, inject: inject ?? [] }];
  const factory = useExisting ?? useClass;
  if (factory === undefined) {
    throw withCode(
      'ERR_ENVELOPE_INVALID_OPTION',
      new Error('EnvelopeModule.forRootAsync: options needs one of useFactory, useClass and useExisting'),
    );
  }
  const options: Provider = {
    provide: ENVELOPE_OPTIONS,
    useFactory: (made: EnvelopeOptionsFactory) => made.createEnvelopeOptions(),
    inject: [factory],
  };
  return useExisting === undefined ? [factory, options] : [options];
}

function describe(options: Provider[], imports: DynamicModule['imports'] = []): DynamicModule {
  const servers = (): Provider[] => [
    {
      provide: EnvelopeServer,
      useFactory: (registry: ServerRegistry) => registry.lateBound(),
      inject: [ServerRegistry],
    },
    ...[...injectedPaths()].map((path) => ({
      provide: getEnvelopeServerToken(path),
      useFactory: (registry: ServerRegistry) => registry.lateBound(path),
      inject: [ServerRegistry],
    })),
  ];
  return {
    module: EnvelopeModule,
    imports,
    // read when Nest scans the module: by then every decorator has named its path
    get providers() {
      return [ServerRegistry, WiringCheck, ...options, ...servers()];
    },
    get exports() {
      return [
        ServerRegistry,
        ENVELOPE_OPTIONS,
        EnvelopeServer,
        ...[...injectedPaths()].map(getEnvelopeServerToken),
      ];
    },
  };
}
