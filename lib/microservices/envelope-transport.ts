import type { IncomingMessage } from 'node:http';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { isObservable, type Observable } from 'rxjs';
import type { EnvelopeAdapter } from '../nest/envelope-adapter.js';
import { ValueSink } from '../nest/handlers/value-sink.js';
import { textOfPattern } from '../protocol/microservice-packet.js';
import type { EnvelopeServer } from '../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../server/socket/envelope-socket.js';
import type { IncomingPacket } from '../server/socket/incoming-packet.js';
import { INTERNAL_ERROR } from '../server/socket/incoming-request.js';
import type { Bridge } from '../server/socket/message-router.js';
import { assertOptions, refuse } from '../protocol/refuse.js';
import { currentTrace } from '../server/diagnostics/current-trace.js';
import { EnvelopeContext } from './envelope-context.js';

/** Where an {@link EnvelopeTransport} listens. */
export interface EnvelopeTransportOptions {
  /** A path of the adapter's, with gateways on it or without. Default: the adapter's `path`. */
  path?: string;
}

/** What {@link EnvelopeTransport.on} listens to: the server of its path. */
export type EnvelopeTransportEvents = {
  connection: (client: EnvelopeSocket, request: IncomingMessage) => void;
};

/** What `@MessagePattern(pattern, ENVELOPE)` names, to be reached by this transport alone. */
export const ENVELOPE = Symbol('nestjs-envelope');

// Nest's own words for it, which it does not export
const NO_HANDLER = 'There is no matching message handler defined in the remote service.';

/**
 * Lets clients of a path call `@MessagePattern` and `@EventPattern` handlers, on the same sockets as gateways, with the
 * same checks and limits.
 *
 * @example
 * const adapter = new EnvelopeAdapter(app);
 * app.useWebSocketAdapter(adapter);
 * app.connectMicroservice({ strategy: new EnvelopeTransport(adapter) });
 * await app.startAllMicroservices();
 */
export class EnvelopeTransport extends Server<EnvelopeTransportEvents> implements CustomTransportStrategy {
  /** The transport that `@MessagePattern(pattern, ENVELOPE)` names. */
  override transportId: symbol = ENVELOPE;
  private server: EnvelopeServer | undefined;

  /** @throws TypeError without an adapter, and on an option that is unknown */
  constructor(
    private readonly adapter: EnvelopeAdapter,
    private readonly options: EnvelopeTransportOptions = {},
  ) {
    super();
    const where = EnvelopeTransport.name;
    if (typeof (Object(adapter) as Partial<EnvelopeAdapter>)._bridge !== 'function')
      refuse(where, 'adapter', adapter, 'an EnvelopeAdapter: new EnvelopeTransport(adapter)');
    assertOptions(where, options, ['path'], "{ path: '/rpc' }");
    if (options.path !== undefined && typeof options.path !== 'string')
      refuse(where, 'path', options.path, "a text, such as '/rpc'");
  }

  /** Called by Nest. */
  listen(callback: (error?: unknown) => void): void {
    if (typeof callback !== 'function')
      refuse('EnvelopeTransport.listen', 'callback', callback, 'a function: Nest calls it');
    try {
      this.server = this.adapter._bridge(this.options.path, { take: (...message) => this.take(...message) });
    } catch (error) {
      return callback(error);
    }
    this._status$.next('connected');
    callback();
  }

  /** Called by Nest. The connections are the adapter's to end. */
  close(): void {
    if (this.server !== undefined) this.server._mount.router.bridge = undefined;
    this.server = undefined;
    this._status$.next('disconnected');
  }

  /** Listens to the server of the path. */
  on(event: 'connection', callback: EnvelopeTransportEvents['connection']): void {
    this.unwrap().on(event, callback);
  }

  /** @throws Error before {@link listen} */
  unwrap<Unwrapped = EnvelopeServer>(): Unwrapped {
    if (this.server === undefined)
      throw new Error('EnvelopeTransport does not listen yet: await app.startAllMicroservices() first');
    return this.server as Unwrapped;
  }

  private async take(...[client, packet, request]: Parameters<Bridge['take']>): Promise<void> {
    const pattern = textOfPattern(packet.pattern);
    const { payload: data, metadata } = packet;
    const handler = this.getHandlerByPattern(pattern);
    // the handler's own word: clients may write one pattern in any number of ways
    if (handler !== null) currentTrace()?.take(this.getRouteFromPattern(pattern));
    else currentTrace()?.refuse('unknown_event');
    const context = new EnvelopeContext([client as EnvelopeSocket, pattern, metadata, request?.givenId]);
    // Nest's filters take what handlers throw: this is a hook's, or a filter's own
    const failed = (error: unknown): void => {
      currentTrace()?.fail(error);
      client._report(error, 'a handler of the microservice threw');
      request?.fail(INTERNAL_ERROR);
    };
    if (request !== undefined) {
      if (handler === null) request.fail({ status: 'error', message: NO_HANDLER });
      else await this.run(handler, data, context, (result) => this.respond(result, request)).catch(failed);
    } else if (handler?.isEventHandler === true) {
      await this.run(handler, data, context, exhaust).catch(failed);
    } else {
      // a message sent as an event would run a source that nobody is there to end
      client.nsp._warn('patterns', 'a client sent an event that no @EventPattern takes');
    }
  }

  private async respond(result: unknown, request: IncomingPacket): Promise<void> {
    // nobody wants its values any more
    if (isObservable(result) && (request.done || request.isCancelled)) return request.answer();
    return drain(this.transformToObservable(result), request);
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
    // a hook need not hand on what it was given
    await new Promise<void>((resolve, reject) => {
      const hooked: unknown = this.onProcessingStartHook(this.transportId, context, () =>
        work().then(resolve, reject),
      );
      Promise.resolve(hooked).catch(reject);
    });
  }
}

/** Runs the source of an event to its end, also where its client has gone: what it said was said. */
function exhaust(source: unknown): Promise<void> | undefined {
  if (!isObservable(source)) return undefined;
  return new Promise((resolve) => {
    source.subscribe(
      new ValueSink(
        () => true,
        () => resolve(),
      ),
    );
  });
}

/** One value is one answer; of many each but the last says that more follow. Resolves when there are no more. */
function drain(source: Observable<unknown>, request: IncomingPacket): Promise<void> {
  return new Promise((resolve) => {
    // a value waits for the end of this tick, since it may be the last one
    let last: { value: unknown } | undefined;
    const say = (): void => {
      if (last !== undefined) request.next(last.value);
      last = undefined;
    };
    const take = (value: unknown): boolean => {
      say();
      last = { value };
      process.nextTick(say);
      return !request.done;
    };
    const sink = new ValueSink(take, (failed) => {
      if (failed !== undefined) {
        say();
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

/** What an exception filter made of an error is an object; anything else is no text of ours to tell. */
function toPayload(error: unknown): unknown {
  if (error instanceof Error) return { status: 'error', message: error.message };
  return typeof error === 'object' && error !== null ? error : { status: 'error', message: error };
}
