import type { IncomingMessage } from 'node:http';
import {
  Server,
  type CustomTransportStrategy,
  type MessageHandler,
  type MsPattern,
} from '@nestjs/microservices';
import { isObservable, type Observable } from 'rxjs';
import type { EnvelopeAdapter } from '../nest/envelope-adapter.js';
import { ValueSink } from '../nest/handlers/value-sink.js';
import { textOfPattern } from '../protocol/microservice-packet.js';
import type { EnvelopeServer } from '../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../server/socket/envelope-socket.js';
import type { IncomingPacket } from '../server/socket/incoming-request.js';
import { INTERNAL_ERROR } from '../server/socket/incoming-request.js';
import type { PacketHandler } from '../server/socket/message-router.js';
import { assertOptions, refuse, refuseOption } from '../protocol/refuse.js';
import { withCode } from '../protocol/with-code.js';
import { currentTrace } from '../server/diagnostics/current-trace.js';
import { EnvelopeContext } from './envelope-context.js';
import { PatternHandlers } from './pattern-handlers.js';

/** Options of {@link EnvelopeTransport}. */
export interface EnvelopeTransportOptions {
  /** The path on which the transport listens. It may have gateways. Default: the adapter's `path`. */
  path?: string;
}

/** Events of {@link EnvelopeTransport.on}. The server of the path emits them. */
export type EnvelopeTransportEvents = {
  connection: (client: EnvelopeSocket, request: IncomingMessage) => void;
};

/** The transport id for `@MessagePattern(pattern, ENVELOPE)`: only this transport calls the handler. */
export const ENVELOPE = Symbol('nestjs-envelope');

// the text of Nest, which does not export it
const NO_HANDLER = 'There is no matching message handler defined in the remote service.';

/**
 * A transport strategy that lets clients of a path call `@MessagePattern` and `@EventPattern` handlers. They use the same sockets
 * as gateways, with the same checks at the upgrade and the same limits.
 *
 * @example
 * const adapter = new EnvelopeAdapter(app);
 * app.useWebSocketAdapter(adapter);
 * app.connectMicroservice({ strategy: new EnvelopeTransport(adapter) });
 * await app.startAllMicroservices();
 */
export class EnvelopeTransport extends Server<EnvelopeTransportEvents> implements CustomTransportStrategy {
  /** The transport id of this strategy: {@link ENVELOPE}. */
  override transportId: symbol = ENVELOPE;
  private server: EnvelopeServer | undefined;
  private readonly patterns: PatternHandlers;

  /** @throws TypeError if `adapter` is not an `EnvelopeAdapter`, or an option is unknown or malformed */
  constructor(
    private readonly adapter: EnvelopeAdapter,
    private readonly options: EnvelopeTransportOptions = {},
  ) {
    super();
    const where = EnvelopeTransport.name;
    if (typeof (Object(adapter) as Partial<EnvelopeAdapter>)._handlePackets !== 'function')
      refuse(where, 'adapter', adapter, 'an EnvelopeAdapter: new EnvelopeTransport(adapter)');
    assertOptions(where, options, ['path'], "{ path: '/rpc' }");
    if (options.path !== undefined && typeof options.path !== 'string')
      refuseOption(where, 'path', options.path, "a text, such as '/rpc'");
    this.patterns = new PatternHandlers(adapter._controllers);
  }

  /** Starts the transport. Nest calls it; an error goes to `callback`. */
  listen(callback: (error?: unknown) => void): void {
    if (typeof callback !== 'function')
      refuse('EnvelopeTransport.listen', 'callback', callback, 'a function: Nest calls it');
    const ordered = new Set(
      this.patterns.ordered.map((pattern) => this.normalizePattern(pattern as MsPattern)),
    );
    try {
      this.server = this.adapter._handlePackets(this.options.path, {
        handle: (...message) => this.handlePacket(...message),
        hasOrder: this.patterns.ordered.length > 0,
        isOrdered: (pattern) => ordered.has(this.getRouteFromPattern(textOfPattern(pattern))),
      });
    } catch (error) {
      return callback(error);
    }
    this._status$.next('connected');
    callback();
  }

  /** Stops the transport. Nest calls it. The connections stay open: the adapter closes them. */
  close(): void {
    if (this.server !== undefined) this.server._config.gateway.router.packetHandler = undefined;
    this.server = undefined;
    this.patterns.close();
    this._status$.next('disconnected');
  }

  /**
   * Adds a listener to the server of the path.
   *
   * @throws Error before {@link listen}
   * @example transport.on('connection', (client) => console.log(client.id));
   */
  on(event: 'connection', callback: EnvelopeTransportEvents['connection']): void {
    this.unwrap().on(event, callback);
  }

  /**
   * Returns the `EnvelopeServer` of the path.
   *
   * @throws Error before {@link listen}
   * @example transport.unwrap().emit('news', { text: 'Hello' });
   */
  unwrap<Unwrapped = EnvelopeServer>(): Unwrapped {
    if (this.server === undefined)
      throw withCode(
        'ERR_ENVELOPE_NOT_LISTENING',
        new Error('EnvelopeTransport does not listen yet: await app.startAllMicroservices() first'),
      );
    return this.server as Unwrapped;
  }

  private async handlePacket(
    ...[client, packet, request, onValue]: Parameters<PacketHandler['handle']>
  ): Promise<void> {
    const pattern = textOfPattern(packet.pattern);
    const { payload: data, metadata } = packet;
    const handler = this.getHandlerByPattern(pattern);
    // record the declared pattern: clients can write the same pattern in many ways
    if (handler !== null) currentTrace()?.setDeclared(this.getRouteFromPattern(pattern));
    else currentTrace()?.refuse('unknown_event');
    const context = new EnvelopeContext(
      [client as EnvelopeSocket, pattern, metadata, request?.givenId],
      request,
    );
    // Nest's filters handle what handlers throw, so this error comes from a hook or from a filter
    const failed = (error: unknown): void => {
      currentTrace()?.fail(error);
      client._report(error, 'a handler of the microservice threw');
      request?.fail(INTERNAL_ERROR);
    };
    if (request !== undefined) {
      if (handler === null) request.fail({ status: 'error', message: NO_HANDLER });
      else
        await this.run(handler, data, context, (result) => this.respond(result, request, onValue)).catch(
          failed,
        );
    } else if (handler?.isEventHandler === true) {
      await this.run(handler, data, context, (result) => exhaust(result, onValue)).catch(failed);
    } else {
      // a message handler does not run for an event: no client could end the source that it returns
      client.nsp._warn('patterns', 'a client sent an event that no @EventPattern handles');
    }
  }

  private async respond(
    result: unknown,
    request: IncomingPacket,
    onValue: (() => void) | undefined,
  ): Promise<void> {
    // the client no longer waits for the values
    if (isObservable(result) && (request.done || request.isCancelled)) return request.answer();
    return drain(this.transformToObservable(result), request, onValue);
  }

  private async run(
    handler: MessageHandler,
    data: unknown,
    context: EnvelopeContext,
    end: (result: unknown) => Promise<void> | undefined,
  ): Promise<void> {
    const work = async (): Promise<void> => {
      try {
        await end(await handler(data, context));
      } finally {
        this.onProcessingEndHook?.(this.transportId, context);
      }
    };
    // a hook may not return the result of its callback, so wait for the work itself
    await new Promise<void>((resolve, reject) => {
      const hooked: unknown = this.onProcessingStartHook(this.transportId, context, () =>
        work().then(resolve, reject),
      );
      Promise.resolve(hooked).catch(reject);
    });
  }
}

/** Runs the source of an event to its end, even after the client has disconnected: the event was received. */
function exhaust(source: unknown, onValue: (() => void) | undefined): Promise<void> | undefined {
  if (!isObservable(source)) return undefined;
  return new Promise((resolve) => {
    source.subscribe(
      new ValueSink(
        () => {
          onValue?.();
          return true;
        },
        () => resolve(),
      ),
    );
  });
}

/** Answers with each value of a source. Every answer except the last one carries `more`. Resolves when the source ends. */
function drain(
  source: Observable<unknown>,
  request: IncomingPacket,
  onValue: (() => void) | undefined,
): Promise<void> {
  return new Promise((resolve) => {
    // hold a value until the end of this tick, since it may be the last one
    let last: { value: unknown } | undefined;
    const flush = (): void => {
      if (last !== undefined) request.next(last.value);
      last = undefined;
    };
    const take = (value: unknown): boolean => {
      onValue?.();
      flush();
      last = { value };
      process.nextTick(flush);
      return !request.done;
    };
    const sink = new ValueSink(take, (failed) => {
      if (failed !== undefined) {
        flush();
        request.fail(toPayload(failed.error));
      } else {
        const value = last?.value;
        last = undefined;
        request.answer(value);
      }
      resolve();
    });
    request.onStop(() => sink.complete());
    source.subscribe(sink);
  });
}

/** Returns the payload of an error answer. The object that an exception filter returned is sent unchanged. */
function toPayload(error: unknown): unknown {
  if (error instanceof Error) return { status: 'error', message: error.message };
  return typeof error === 'object' && error !== null ? error : { status: 'error', message: error };
}
