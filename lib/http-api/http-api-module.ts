import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Inject,
  Module,
  NotFoundException,
  Optional,
  Post,
  Query,
  ServiceUnavailableException,
  UseGuards,
  BadRequestException,
  type CanActivate,
  type DynamicModule,
  type Type,
} from '@nestjs/common';
import { RoomLimitError } from '../nest/errors/room-limit-error.js';
import type { OnceStore } from '../nest/options/once-store.js';
import { ServerRegistry } from '../nest/injection/server-registry.js';
import { assertOptions, refuseOption } from '../protocol/refuse.js';
import { withCode } from '../protocol/with-code.js';
import type { EnvelopeServer } from '../server/namespace/envelope-server.js';
import type { Present } from '../server/presence/presence.js';
import { memoryOnce } from '../once/memory-once.js';
import { readDisconnect, readEmits } from './commands.js';
import { IdempotencyKeys } from './idempotency-keys.js';
import { DISCONNECT, EMIT, PRESENCE, describeRoute } from './open-api.js';

/** The options of {@link EnvelopeHttpApiModule.register}. */
export interface HttpApiOptions {
  /** Guards of all routes, as `@UseGuards()` takes them: at least one, since whoever passes can send to every client. */
  guards: readonly (CanActivate | Type<CanActivate>)[];
  /** The path of the routes. Default: `envelope`. */
  path?: string;
  /** The modules that export what the guards inject. Default: none. */
  imports?: DynamicModule['imports'];
  /** Messages in one request. Default: 100. */
  maxBatch?: number;
  /** Milliseconds for which an `Idempotency-Key` is remembered. Default: 600,000. */
  idempotencyTtl?: number;
  /**
   * Where the answers to requests with an `Idempotency-Key` are kept: `redisOnce(client)` of `nestjs-envelope/once` for several nodes.
   * Default: in the memory of this node, 10,000 answers.
   */
  store?: OnceStore;
}

const WHERE = 'EnvelopeHttpApiModule.register';
const EXAMPLE = '{ guards: [ApiKeyGuard] }';

/**
 * Lets other programs emit over HTTP. The application must import `EnvelopeModule`, too.
 *
 * - `POST /envelope/emit`: `{ path?, to?, users?, except?, event, data?, volatile? }`, or a list of them
 * - `POST /envelope/disconnect`: `{ path?, to?, users?, except?, all?, close? }`
 * - `GET /envelope/presence?room=red&path=/ws`: the members of a room, as `presence.list`
 *
 * A request with the header `Idempotency-Key` is done once. `@nestjs/swagger` finds the routes like those of any controller.
 *
 * @example
 * ```ts
 * @Module({ imports: [EnvelopeModule.forRoot(), EnvelopeHttpApiModule.register({ guards: [ApiKeyGuard] })] })
 * export class AppModule {}
 * ```
 */
@Module({})
export class EnvelopeHttpApiModule {
  /**
   * @throws TypeError on an unknown or malformed option, and without a guard
   *
   * @example
   * const module = EnvelopeHttpApiModule.register({ guards: [ApiKeyGuard], path: 'ws-api' });
   */
  static register(options: HttpApiOptions): DynamicModule {
    assertOptions(
      WHERE,
      options,
      ['guards', 'path', 'imports', 'maxBatch', 'idempotencyTtl', 'store'],
      EXAMPLE,
    );
    const { guards, imports = [], path = 'envelope', maxBatch = 100, idempotencyTtl = 600_000 } = options;
    const { store } = options;
    for (const name of store === undefined ? [] : ['claim', 'replace'])
      if (typeof Reflect.get(Object(store) as object, name) !== 'function')
        refuseOption(WHERE, 'store', store, "a store, such as redisOnce(client) of 'nestjs-envelope/once'");
    if (!Array.isArray(guards) || guards.length === 0)
      refuseOption(
        WHERE,
        'guards',
        guards,
        'a list of at least one guard: whoever passes can send to every client',
      );
    if (typeof path !== 'string') refuseOption(WHERE, 'path', path, "a text, such as 'envelope'");
    for (const [name, value] of Object.entries({ maxBatch, idempotencyTtl }))
      if (!Number.isInteger(value) || value < 1) refuseOption(WHERE, name, value, 'a whole number from 1 on');
    return {
      module: EnvelopeHttpApiModule,
      imports,
      controllers: [
        createController(path, guards as HttpApiOptions['guards'], maxBatch, idempotencyTtl, store),
      ],
    };
  }
}

/** Returns a controller class of its own, since decorators take the path and the guards. */
function createController(
  path: string,
  guards: HttpApiOptions['guards'],
  maxBatch: number,
  idempotencyTtl: number,
  store?: OnceStore,
): Type {
  @Controller(path)
  @UseGuards(...guards)
  class EnvelopeHttpApiController {
    private readonly keys = new IdempotencyKeys(store ?? memoryOnce(), idempotencyTtl);
    private readonly registry: ServerRegistry;

    /** @throws Error if `EnvelopeModule` is not imported */
    constructor(@Optional() @Inject(ServerRegistry) registry?: ServerRegistry) {
      if (registry === undefined || registry === null)
        throw withCode(
          'ERR_ENVELOPE_MISSING_MODULE',
          new Error(
            'EnvelopeHttpApiModule finds no EnvelopeModule: add EnvelopeModule.forRoot() to the imports of the application',
          ),
        );
      this.registry = registry;
    }

    @Post('emit')
    @HttpCode(202)
    emit(@Body() body: unknown, @Headers('idempotency-key') key?: unknown): Promise<object> {
      return this.keys.run(key, 'emit', body, () => {
        // all are checked before the first one is sent
        const actions = readEmits(body, maxBatch, this.find);
        for (const act of actions) act();
        return { accepted: actions.length };
      });
    }

    @Post('disconnect')
    @HttpCode(202)
    disconnect(@Body() body: unknown, @Headers('idempotency-key') key?: unknown): Promise<object> {
      return this.keys.run(key, 'disconnect', body, () => {
        readDisconnect(body, this.find)();
        return { accepted: 1 };
      });
    }

    @Get('presence')
    async presence(@Query('room') room: unknown, @Query('path') place?: unknown): Promise<Present[]> {
      if (typeof room !== 'string' || room === '')
        throw new BadRequestException('room: the query takes one, such as ?room=red');
      if (place !== undefined && typeof place !== 'string')
        throw new BadRequestException('path: the query takes one');
      const { presence } = this.find(place);
      try {
        return await presence.list(room);
      } catch (error) {
        const { message } = error as Error;
        // the name of the room, or a node that does not respond
        if (error instanceof RoomLimitError) throw new BadRequestException(`room: ${message}`);
        throw new ServiceUnavailableException(message);
      }
    }

    private readonly find = (place: string | undefined): EnvelopeServer => {
      const { lookup } = this.registry;
      if (lookup === undefined)
        throw withCode(
          'ERR_ENVELOPE_NOT_MOUNTED',
          new Error(
            'EnvelopeHttpApiModule finds no EnvelopeAdapter: call app.useWebSocketAdapter(new EnvelopeAdapter(app)) before app.listen()',
          ),
        );
      // `find` would mount a server that no client can reach
      if (place !== undefined && !lookup.has(place))
        throw new NotFoundException(
          `No gateway has the path "${place}". The paths are: ${lookup.paths().join(', ')}`,
        );
      try {
        return lookup.find(place);
      } catch (error) {
        // there is no main server
        throw new BadRequestException(`path: set it. The paths are: ${lookup.paths().join(', ')}`, {
          cause: error,
        });
      }
    };
  }
  describeRoute(EnvelopeHttpApiController, 'emit', EMIT);
  describeRoute(EnvelopeHttpApiController, 'disconnect', DISCONNECT);
  describeRoute(EnvelopeHttpApiController, 'presence', PRESENCE);
  return EnvelopeHttpApiController;
}
