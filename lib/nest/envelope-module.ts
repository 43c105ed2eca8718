import {
  Global,
  Inject,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type Provider,
  type Type,
} from '@nestjs/common';
import { EnvelopeOperations } from './operations/envelope-operations.js';
import { ServerRegistry } from './injection/server-registry.js';
import type { EnvelopeOptions } from './options/options.js';
import { EnvelopeServer } from '../server/namespace/envelope-server.js';
import { isRecordLike, refuse, refuseOption } from '../protocol/refuse.js';
import { withCode } from '../protocol/with-code.js';
import { normalisePath } from '../server/upgrade/path-pattern.js';
import { injectedPaths, recordInjection, WiringCheck } from './injection/wiring-check.js';

/** The injection token of the options that {@link EnvelopeModule} provides. */
export const ENVELOPE_OPTIONS = Symbol.for('nestjs-envelope.options');

/**
 * A class that creates the options, for `useClass` and `useExisting` of {@link EnvelopeModule.forRootAsync}.
 *
 * @example
 * class WsOptions implements EnvelopeOptionsFactory {
 *   createEnvelopeOptions(): EnvelopeOptions {
 *     return { path: process.env.WS_PATH ?? '/ws' };
 *   }
 * }
 */
export interface EnvelopeOptionsFactory {
  /** Returns the options, or a promise of them. Called once, by Nest. */
  createEnvelopeOptions(): EnvelopeOptions | Promise<EnvelopeOptions>;
}

/** The options of {@link EnvelopeModule.forRootAsync}, as in Nest's own modules. */
export interface EnvelopeAsyncOptions {
  /** The modules that export what `inject` or the factory class needs. Default: none. */
  imports?: DynamicModule['imports'];
  /** The tokens whose values `useFactory` receives as arguments. Default: none. */
  inject?: FactoryProvider['inject'];
  /** Returns the options, or a promise of them. */
  useFactory?: (...dependencies: never[]) => EnvelopeOptions | Promise<EnvelopeOptions>;
  /** A class that creates the options. The module provides it. */
  useClass?: Type<EnvelopeOptionsFactory>;
  /** A class that creates the options, and that one of `imports` provides. */
  useExisting?: Type<EnvelopeOptionsFactory>;
}

/**
 * Returns the injection token of the server of one path.
 *
 * @throws TypeError if `path` is no string
 * @example
 * const chat = app.get<EnvelopeServer>(getEnvelopeServerToken('/chat'));
 */
export function getEnvelopeServerToken(path: string): string {
  if (typeof path !== 'string') refuse('getEnvelopeServerToken', 'path', path, "a string, such as '/chat'");
  return `EnvelopeServer:${path.startsWith(':') ? path : normalisePath(path)}`;
}

/**
 * Injects the server of one path: `@InjectEnvelopeServer('/chat') chat: EnvelopeServer`. Without a path, it injects the
 * same server as the class {@link EnvelopeServer}.
 *
 * @throws TypeError if `path` is neither a string nor `undefined`
 * @example
 * ```ts
 * @Injectable()
 * class Billing {
 *   constructor(@InjectEnvelopeServer('/chat') private readonly chat: EnvelopeServer) {}
 * }
 * ```
 */
export function InjectEnvelopeServer(path?: string): PropertyDecorator & ParameterDecorator {
  if (path === undefined) return Inject(EnvelopeServer);
  if (typeof path !== 'string') refuse('@InjectEnvelopeServer', 'path', path, "a string, such as '/chat'");
  // Nest's type requires the index of a parameter, which a property does not have
  const inject = Inject(getEnvelopeServerToken(path)) as (
    target: object,
    key: string | symbol | undefined,
    index?: number,
  ) => void;
  return (target: object, key: string | symbol | undefined, index?: number) => {
    recordInjection(path, target);
    inject(target, key, index);
  };
}

/**
 * Makes servers injectable in all modules. {@link EnvelopeServer} injects the server on the adapter's default path, or the
 * only server; {@link InjectEnvelopeServer} injects the server of any path. Its options are the options of
 * `EnvelopeAdapter`, whose constructor's options win over them.
 *
 * @example
 * ```ts
 * @Module({ imports: [EnvelopeModule.forRoot({ recovery: true })], providers: [ChatGateway, Billing] })
 * class AppModule {}
 * ```
 */
@Global()
@Module({})
export class EnvelopeModule {
  /**
   * Takes the options of the adapter. The adapter checks them when it is created.
   *
   * @throws TypeError if `options` is no object
   * @example const module = EnvelopeModule.forRoot({ path: '/ws', recovery: true });
   */
  static forRoot(options: EnvelopeOptions = {}): DynamicModule {
    if (!isRecordLike(options))
      refuse('EnvelopeModule.forRoot', 'options', options, "an object, such as { path: '/ws' }");
    return describe([{ provide: ENVELOPE_OPTIONS, useValue: options }]);
  }

  /**
   * Takes a factory for the options of the adapter. `useFactory` wins over `useExisting`, and that over `useClass`.
   *
   * @throws TypeError if `options` is no object, or a factory is no function or class; Error without a factory
   * @example
   * const module = EnvelopeModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ path: config.get<string>('WS_PATH', '/ws') }),
   * });
   */
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
      new Error(
        'EnvelopeModule.forRootAsync: set one of useFactory, useClass and useExisting in the options',
      ),
    );
  }
  const options: Provider = {
    provide: ENVELOPE_OPTIONS,
    useFactory: (instance: EnvelopeOptionsFactory) => instance.createEnvelopeOptions(),
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
    {
      provide: EnvelopeOperations,
      useFactory: (registry: ServerRegistry) => registry.operations,
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
    // a getter, because Nest reads it when it scans the module: every decorator has recorded its path by then
    get providers() {
      return [ServerRegistry, WiringCheck, ...options, ...servers()];
    },
    get exports() {
      return [
        ServerRegistry,
        ENVELOPE_OPTIONS,
        EnvelopeServer,
        EnvelopeOperations,
        ...[...injectedPaths()].map(getEnvelopeServerToken),
      ];
    },
  };
}
