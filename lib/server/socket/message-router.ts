import {
  Refusal,
  toEnvelope,
  type Envelope,
  type MessageLimits,
  type RequestId,
} from '../../protocol/envelope.js';
import type { Packet } from '../../protocol/microservice-packet.js';
import type { Untyped } from '../../protocol/typed-events.js';
import { channels } from '../diagnostics/channels.js';
import { currentTrace, isTraced, runTraced } from '../diagnostics/current-trace.js';
import type { Message } from '../transport/message.js';
import type { EnvelopeSocket } from './envelope-socket.js';
import { AcknowledgedMessage } from './acknowledged-message.js';
import { IncomingPacket, IncomingRequest } from './incoming-request.js';
import { KeyedRequest } from './keyed-request.js';
import { MessageContext, messageContexts } from './message-context.js';
import { runChain, toException } from './middleware.js';
import type { Counters, MessageHandling } from './namespace-contract.js';
import { runProtocolEvent } from './protocol-events.js';
import type { Turn } from './turn.js';

/** Reads a message in the application's own format; `undefined` drops it silently. `WsAdapter`'s option. */
export type MessageParser = (data: Untyped) => { event: string; data?: Untyped } | void;

/** Finds and runs the handlers of an event: the Nest side, absent on a server without gateways. */
export interface Dispatcher {
  /** Takes the handlers of one gateway, bound to one client, when that client connects. */
  bind(client: EnvelopeSocket, handlers: unknown): void;
  /** @returns false if no handler takes the event */
  dispatch(
    client: EnvelopeSocket,
    event: string,
    data: unknown,
    request: IncomingRequest | undefined,
    /** Of a message that is handled in order. */
    turn: Turn | undefined,
  ): boolean;
}

/** Takes the packets of the microservice protocol: absent on a path without a microservice. */
export interface PacketHandler {
  /**
   * Never rejects.
   *
   * @param request what is to be answered; `undefined`: an event
   * @param onValue called for each value of a source
   */
  handle(
    client: EnvelopeSocket,
    packet: Packet,
    request: IncomingPacket | undefined,
    onValue: (() => void) | undefined,
  ): Promise<void>;
  /** Whether some patterns are handled in order. */
  readonly hasOrder: boolean;
  isOrdered(pattern: unknown): boolean;
}

/** The messages of a path that are handled in order: all, or those of these events. */
export type Order = true | ReadonlySet<string>;

/**
 * Reads messages, and passes each that may run now to middlewares, listeners and handlers, or to the microservice. One for
 * all sockets of a path; what belongs to one socket is in its {@link Inbound}.
 */
export class MessageRouter implements MessageHandling<EnvelopeSocket> {
  readonly counters: Counters = { ignoredAnswers: 0, refusedMessages: 0, droppedClusterMessages: 0 };
  /** Whether some messages of this path are handled in order. */
  hasOrder: boolean;
  dispatcher: Dispatcher | undefined;
  packetHandler: PacketHandler | undefined;

  constructor(
    private readonly limits: MessageLimits,
    private readonly parser?: MessageParser,
    /** Whether each message runs in a {@link MessageContext}. */
    private readonly hasContext = false,
    private readonly order: Order = new Set(),
  ) {
    this.hasOrder = order === true || order.size > 0;
  }

  isOrdered({ event, packet }: Envelope): boolean {
    if (this.order === true) return true;
    if (packet === undefined) return this.order.has(event!);
    return this.packetHandler?.isOrdered(packet.pattern) === true;
  }

  get takesPackets(): boolean {
    return this.packetHandler !== undefined;
  }

  bind(client: EnvelopeSocket, handlers: unknown): void {
    this.dispatcher?.bind(client, handlers);
  }

  read(client: EnvelopeSocket, data: Message, isBinary: boolean): Envelope | Refusal | undefined {
    const { encoding } = client._connection;
    if (this.parser !== undefined && encoding.protocol === 'envelope')
      return this.readWith(this.parser, client, data, isBinary);
    return encoding.decode(data, isBinary, this.limits);
  }

  private readWith(
    parser: MessageParser,
    client: EnvelopeSocket,
    data: Message,
    isBinary: boolean,
  ): Envelope | Refusal | undefined {
    try {
      const message = parser(isBinary ? data : String(data));
      return message === undefined || message === null ? undefined : toEnvelope(message, this.limits);
    } catch (error) {
      if (!(error instanceof SyntaxError)) client._report(error, 'messageParser threw');
      return new Refusal('bad_frame', 'the message could not be read');
    }
  }

  run(client: EnvelopeSocket, envelope: Envelope, turn: Turn | undefined): void {
    if (isTraced()) runTraced(client, envelope, () => this.enterContext(client, envelope, turn));
    else this.enterContext(client, envelope, turn);
  }

  private enterContext(client: EnvelopeSocket, envelope: Envelope, turn: Turn | undefined): void {
    if (!this.hasContext) return this.handle(client, envelope, turn);
    messageContexts.run(new MessageContext(client, envelope), () => this.handle(client, envelope, turn));
  }

  private handle(
    client: EnvelopeSocket,
    { event, data, id, stream, packet, args, meta }: Envelope,
    turn: Turn | undefined,
  ): void {
    if (packet !== undefined) return this.handlePacket(client, packet, id, turn);
    const name = event!;
    let request: IncomingRequest | undefined;
    if (id !== undefined && (request = this.openRequest(client, name, id, stream, meta)) === undefined)
      return;
    if (this.hasContext) messageContexts.getStore()!._request = request;
    if (client.nsp._isClosing) {
      const refusal = new Refusal('going_away', 'the server is shutting down', id);
      this.refuse(client, refusal, request);
      return turn?.settle();
    }
    if (client._middlewares === undefined) return this.deliver(client, name, data, request, args, turn);
    const message: [string, ...Untyped[]] = [name, ...(args ?? [data])];
    if (request !== undefined) message.push(request.ack);
    const traced = currentTrace();
    traced?.hold();
    runChain(
      client._middlewares,
      message,
      (error) => {
        // the client receives the error of the middleware as a refusal
        if (error !== undefined) traced?.refuse('refused');
        if (!client._isEnded) this.afterMiddlewares(client, message, request, args, turn, error);
        traced?.release();
      },
      (error) => client._report(error, 'a middleware of a socket threw after it had called next'),
    );
  }

  /** Delivers a message as the middlewares left it, or refuses it. */
  private afterMiddlewares(
    client: EnvelopeSocket,
    message: readonly [unknown, ...Untyped[]],
    request: IncomingRequest | undefined,
    args: readonly unknown[] | undefined,
    turn: Turn | undefined,
    error: Error | undefined,
  ): void {
    if (error === undefined) {
      const event = typeof message[0] === 'string' ? message[0] : '';
      if (args === undefined) return this.deliver(client, event, message[1], request, undefined, turn);
      const values = message.slice(1).filter((value) => value !== request?.ack);
      return this.deliver(client, event, values.length > 1 ? values : values[0], request, values, turn);
    }
    // as in Socket.IO
    client._emitConnectionEvent('error', error);
    const { isClientFault, toPayload } = client.nsp._config.gateway.errors;
    fail(client, request, isClientFault(error) ? toPayload(error) : toException(error));
    turn?.settle();
  }

  private handlePacket(
    client: EnvelopeSocket,
    packet: Packet,
    id: RequestId | undefined,
    turn: Turn | undefined,
  ): void {
    const { _requests: requests } = client;
    let request: IncomingPacket | undefined;
    if (packet.kind === 'message') {
      if (id !== undefined && requests.endIfDuplicate(id)) return;
      request = new IncomingPacket(requests, packet, id);
      requests.add(request);
    }
    if (this.hasContext) messageContexts.getStore()!._request = request;
    // the microservice may have been closed while the packet waited
    const { packetHandler } = this;
    if (client.nsp._isClosing || packetHandler === undefined) {
      request?.fail(new Refusal('going_away', 'the server is shutting down').toPayload());
      return turn?.settle();
    }
    if (request === undefined) requests.running++;
    const traced = currentTrace();
    traced?.hold();
    // a source counts as settled with its first value; a turn that has ended does not end again
    const onValue = turn === undefined ? undefined : (): void => turn.settle();
    void packetHandler.handle(client, packet, request, onValue).then(() => {
      traced?.release();
      if (request === undefined || request.isLingering) requests.ended(false);
      else request.isHandled = true;
      turn?.settle();
    });
  }

  runProtocolEvent(client: EnvelopeSocket, envelope: Envelope): void {
    runProtocolEvent(this, client, envelope);
  }

  /** Adds a request to those in flight; ends the connection if its id is one of those. */
  openRequest(
    client: EnvelopeSocket,
    event: string,
    id: RequestId,
    stream: boolean,
    meta?: Envelope['meta'],
  ): IncomingRequest | undefined {
    const { _requests: requests, _connection: connection } = client;
    if (requests.endIfDuplicate(id)) return undefined;
    const request =
      connection.encoding.protocol === 'socket.io'
        ? new AcknowledgedMessage(requests, event, id, (payload) => client._outbound.fail(payload))
        : meta === undefined || stream || !Object.hasOwn(meta, 'key')
          ? new IncomingRequest(requests, event, id, stream)
          : new KeyedRequest(requests, event, id, meta['key']);
    requests.add(request);
    return request;
  }

  private deliver(
    client: EnvelopeSocket,
    event: string,
    data: unknown,
    request: IncomingRequest | undefined,
    values: readonly unknown[] | undefined,
    turn: Turn | undefined,
  ): void {
    let hasListener: boolean;
    const args = values === undefined ? (data === undefined ? [] : [data]) : [...values];
    if (request !== undefined) args.push(request.ack);
    try {
      hasListener = client._listen(event, args);
    } catch (error) {
      this.listenerFailed(client, error, event, args);
      return turn?.settle();
    }
    if (this.dispatcher?.dispatch(client, event, data, request, turn) === true) return;
    // listeners of all events may be among the listeners: they do not take it
    hasListener = this.takeOwnEvent(client, event, data, request) || hasListener;
    // as in Socket.IO, an unknown event is ignored, and a listener acknowledges whenever it likes
    if (client._connection.encoding.protocol === 'socket.io')
      (request as AcknowledgedMessage | undefined)?.end();
    else if (!hasListener)
      this.refuse(client, new Refusal('unknown_event', `no handler takes "${event}"`, request?.id), request);
    turn?.settle();
  }

  /** Takes an event of this package that no handler takes. @returns whether it is one */
  private takeOwnEvent(
    client: EnvelopeSocket,
    event: string,
    data: unknown,
    request: IncomingRequest | undefined,
  ): boolean {
    const take = client.nsp._clientEvents.get(event);
    if (take === undefined) return false;
    currentTrace()?.setDeclared(event);
    try {
      const refused = take(client as never, data);
      if (refused === undefined) request?.answer();
      else fail(client, request, { status: 'error', message: refused });
    } catch (error) {
      this.listenerFailed(client, error, event, request === undefined ? [] : [request.ack]);
    }
    return true;
  }

  /** A listener threw, or its promise was rejected: answers its request with the error, unless it was answered. */
  listenerFailed(client: EnvelopeSocket, error: unknown, event: string, args: readonly unknown[]): void {
    currentTrace()?.fail(error);
    const { isClientFault, toPayload } = client.nsp._config.gateway.errors;
    if (!isClientFault(error)) client._report(error, `a listener of "${event}" threw`, event);
    // the last argument of a request's listener is the function that answers
    const ack = args.at(-1);
    const request = [...client._requests.values()].find((open) => open.ack === ack);
    if (request !== undefined || typeof ack !== 'function') fail(client, request, toPayload(error));
  }

  /** @param open the request of the message, if it was opened already */
  refuse(client: EnvelopeSocket, refusal: Refusal, open?: IncomingRequest): void {
    this.counters.refusedMessages++;
    const { id, code } = refusal;
    if (channels.messageRefuse.hasSubscribers) channels.messageRefuse.publish({ socket: client, code });
    currentTrace()?.refuse(code);
    // an id that is in flight keeps its own request
    const request =
      open ??
      (id === undefined || client._requests.has(id) ? undefined : this.openRequest(client, '', id, false));
    fail(client, request, refusal.toPayload());
  }
}

/** Answers a request with an exception, or sends the exception without one. */
export function fail(client: EnvelopeSocket, request: IncomingRequest | undefined, payload: object): void {
  if (request !== undefined) request.fail(payload);
  else client._outbound.fail(payload);
}
