import { isUtf8 } from 'node:buffer';
import type { Message } from '../transport/server-web-socket.js';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import { decode } from '../../protocol/codec.js';
import {
  Refusal,
  toEnvelope,
  type Envelope,
  type MessageLimits,
  type RequestId,
} from '../../protocol/envelope.js';
import type { Packet } from '../../protocol/microservice-packet.js';
import { refusalOf } from '../../protocol/refused-events.js';
import type { Untyped } from '../../protocol/typed-events.js';
import type { Conversation } from './conversation.js';
import { channels, publishLimit } from '../diagnostics/channels.js';
import { IncomingPacket } from './incoming-packet.js';
import { IncomingRequest } from './incoming-request.js';
import { MessageContext, messageContexts } from './message-context.js';
import { runChain, toException } from './middleware.js';
import { readFreshAuth, reauthenticate } from './reauthentication.js';
import { currentTrace, isTraced, runTraced } from '../diagnostics/current-trace.js';

/** Reads a message in a format of the user's own; nothing means: drop it silently. `WsAdapter`'s option. */
export type MessageParser = (data: Untyped) => { event: string; data?: Untyped } | void;

/** Finds and runs the handlers of an event: the gateway side, absent on a server without gateways. */
export interface Dispatcher {
  /** Takes the handlers of one gateway, bound to one client, when that client connects. */
  bind(client: Conversation, handlers: unknown): void;
  /** @returns false where no handler takes the event */
  dispatch(client: Conversation, event: string, data: unknown, request: IncomingRequest | undefined): boolean;
}

/** Takes the messages of the microservice protocol: absent where nobody speaks it. */
export interface Bridge {
  /** Never rejects. @param request what is to be answered; `undefined`: an event */
  take(client: Conversation, packet: Packet, request: IncomingPacket | undefined): Promise<void>;
}

/** What deserves no answer, or was refused, counted. */
export interface Counters {
  /** Answers to requests that nobody made, or that were answered or timed out before. */
  ignoredAnswers: number;
  /** Messages that were refused with an exception. */
  refusedMessages: number;
  /** Messages of other nodes, or of whoever else reaches the broker, that could not be read. */
  droppedClusterMessages: number;
}

/** So many malformed messages in a row end a connection. */
const MAX_STRIKES = 10;
const DOLLAR = 0x24;

/** Second stop of a message: reads it, and hands it to whoever it is for. One for all sockets of a server. */
export class MessageRouter {
  readonly counters: Counters = { ignoredAnswers: 0, refusedMessages: 0, droppedClusterMessages: 0 };
  dispatcher: Dispatcher | undefined;
  bridge: Bridge | undefined;

  constructor(
    private readonly limits: MessageLimits,
    private readonly parser?: MessageParser,
    /** Each message is handled in a context of its own. */
    private readonly hasContext = false,
  ) {}

  bind(socket: Conversation, handlers: unknown): void {
    this.dispatcher?.bind(socket, handlers);
  }

  receive(socket: Conversation, data: Message, isBinary: boolean): void {
    const envelope = this.read(socket, data, isBinary);
    if (envelope === undefined) return;
    if (envelope instanceof Refusal) return this.refuse(socket, envelope, true);
    const { event, id } = envelope;
    if (envelope.ack !== undefined) {
      if (socket._settle(envelope)) socket._forgive();
      else this.counters.ignoredAnswers++;
    } else if (envelope.packet !== undefined && this.bridge === undefined) {
      this.refuse(
        socket,
        new Refusal('bad_event', 'no microservice listens here: event is missing', id),
        true,
      );
    } else if (event?.charCodeAt(0) === DOLLAR) {
      this.receiveProtocolEvent(socket, envelope);
    } else {
      const refusal = event === undefined ? undefined : refusalOf(event);
      if (refusal !== undefined) return this.refuse(socket, new Refusal('reserved_event', refusal, id), true);
      socket._strikes = 0;
      if (!socket._isFull) this.receiveEvent(socket, envelope);
      else if (id === undefined || envelope.packet?.kind === 'event' || this.isFree(socket, id))
        this.postpone(socket, envelope, data);
    }
  }

  private postpone(socket: Conversation, envelope: Envelope, { length }: Message): void {
    if (socket._postpone(envelope, length)) return;
    this.refuse(socket, new Refusal('rate_limited', 'too many messages wait', envelope.id), false);
  }

  /** An event for the gateways, or a message for a microservice. */
  receiveEvent(socket: Conversation, envelope: Envelope): void {
    if (isTraced()) runTraced(socket, envelope, () => this.enter(socket, envelope));
    else this.enter(socket, envelope);
  }

  private enter(socket: Conversation, envelope: Envelope): void {
    if (!this.hasContext) return this.handle(socket, envelope);
    messageContexts.run(new MessageContext(socket, envelope), () => this.handle(socket, envelope));
  }

  private handle(socket: Conversation, { event, data, id, stream, packet }: Envelope): void {
    if (packet !== undefined) return this.receivePacket(socket, packet, id);
    const name = event!;
    let request: IncomingRequest | undefined;
    if (id !== undefined && (request = this.openRequest(socket, name, id, stream)) === undefined) return;
    if (socket.nsp._isClosing) {
      const refusal = new Refusal('going_away', 'the server is shutting down', id);
      return this.refuse(socket, refusal, false, request);
    }
    if (socket._middlewares === undefined) return this.deliver(socket, name, data, request);
    const args: [string, ...Untyped[]] = request === undefined ? [name, data] : [name, data, request.ack];
    const traced = currentTrace();
    traced?.hold();
    runChain(
      socket._middlewares,
      args,
      (error) => {
        // what a middleware says no to its client is told, whatever the error
        if (error !== undefined) traced?.refuse('refused');
        if (!socket._gone) this.passed(socket, args, request, error);
        traced?.release();
      },
      (error) => socket._report(error, 'a middleware of a socket threw after it had called next'),
    );
  }

  /** The middlewares of a socket are through with a message, and may have made anything of it. */
  private passed(
    socket: Conversation,
    [event, data]: readonly [unknown, ...Untyped[]],
    request: IncomingRequest | undefined,
    error: Error | undefined,
  ): void {
    if (error === undefined)
      return this.deliver(socket, typeof event === 'string' ? event : '', data, request);
    socket._fail(error);
    const { isClientFault, toPayload } = socket.nsp._mount.failures;
    this.except(socket, request, isClientFault(error) ? toPayload(error) : toException(error));
  }

  private receivePacket(socket: Conversation, packet: Packet, id: RequestId | undefined): void {
    let request: IncomingPacket | undefined;
    if (packet.kind === 'message') {
      if (id !== undefined && !this.isFree(socket, id)) return;
      request = new IncomingPacket(socket, packet, id);
      (socket._requests ??= new Map()).set(request.id, request);
    }
    // it may have been closed while the message waited
    const { bridge } = this;
    if (socket.nsp._isClosing || bridge === undefined)
      return request?.fail(new Refusal('going_away', 'the server is shutting down').toPayload());
    if (request === undefined) socket._running++;
    const traced = currentTrace();
    traced?.hold();
    void bridge.take(socket, packet, request).then(() => {
      traced?.release();
      if (request !== undefined) return;
      socket._running--;
      socket._settled();
    });
  }

  /** Takes a message out of its turn, where it is an answer that this side waits for. */
  takeAnswer(socket: Conversation, data: Message, isBinary: boolean): boolean {
    const envelope = this.read(socket, data, isBinary);
    if (envelope === undefined || envelope instanceof Refusal) return false;
    return envelope.ack !== undefined && socket._settle(envelope);
  }

  /** One message too many: an answer all the same, to its request where it is one. */
  refuseFlood(socket: Conversation, data: Message, isBinary: boolean): void {
    publishLimit('messagesPerSecond', socket);
    const id = this.read(socket, data, isBinary)?.id;
    this.refuse(socket, new Refusal('rate_limited', 'too many messages', id), false);
  }

  private read(socket: Conversation, data: Message, isBinary: boolean): Envelope | Refusal | undefined {
    if (this.parser !== undefined) return this.readWith(this.parser, socket, data, isBinary);
    if (typeof data === 'string') return decode(data, this.limits);
    // ws has checked the encoding of text messages
    if (isBinary && !isUtf8(data)) return new Refusal('bad_frame', 'a message must be UTF-8 JSON');
    return decode(data.toString(), this.limits);
  }

  private readWith(
    parser: MessageParser,
    socket: Conversation,
    data: Message,
    isBinary: boolean,
  ): Envelope | Refusal | undefined {
    try {
      const message = parser(isBinary ? data : String(data));
      return message === undefined || message === null ? undefined : toEnvelope(message, this.limits);
    } catch (error) {
      if (!(error instanceof SyntaxError)) socket._report(error, 'messageParser threw');
      return new Refusal('bad_frame', 'the message could not be read');
    }
  }

  /** `$ping`, `$cancel` and `$auth`; other names with `$` are refused. */
  private receiveProtocolEvent(socket: Conversation, envelope: Envelope): void {
    const { event, data, id } = envelope;
    if (event === '$auth') return this.receiveAuth(socket, envelope);
    if (event !== '$ping' && event !== '$cancel') {
      return this.refuse(
        socket,
        new Refusal('reserved_event', 'names that begin with "$" are reserved', id),
        true,
      );
    }
    socket._strikes = 0;
    if (event === '$cancel') this.cancel(socket, data as RequestId | undefined);
    if (id !== undefined) this.openRequest(socket, event, id, false)?.answer();
  }

  private cancel(socket: Conversation, id: RequestId | undefined): void {
    // messages without an id wait, too
    if (id === undefined) return;
    const request = socket._requests?.get(id);
    if (request !== undefined) return request.cancel();
    const waiting = socket._withdraw(id);
    if (waiting?.packet !== undefined) new IncomingPacket(socket, waiting.packet, id).answer();
    else if (waiting !== undefined) this.openRequest(socket, waiting.event!, id, true)?.answer();
  }

  private receiveAuth(socket: Conversation, { data, meta, id }: Envelope): void {
    const auth = readFreshAuth(data, meta);
    if (auth === undefined)
      return this.refuse(socket, new Refusal('bad_frame', '$auth takes data, or a token in meta', id), true);
    // what nobody looks at must not take the place of what a middleware may have looked at
    const { _mount: mount } = socket.nsp;
    if (mount.reauthenticate === undefined)
      return this.refuse(socket, new Refusal('unknown_event', 'no guard here looks at "$auth"', id), false);
    if (socket._isAuthenticating)
      return this.refuse(socket, new Refusal('rate_limited', 'another $auth is being looked at', id), false);
    const request = id === undefined ? undefined : this.openRequest(socket, '$auth', id, false);
    if (id !== undefined && request === undefined) return;
    socket._strikes = 0;
    socket._isAuthenticating = true;
    const ask = async (client: Conversation): Promise<object | undefined> => mount.reauthenticate?.(client);
    void reauthenticate(socket, auth, request, ask).then((refused) => {
      socket._isAuthenticating = false;
      if (refused !== undefined) this.except(socket, request, refused);
      else request?.answer(socket._expiry?.at === undefined ? undefined : { expiresAt: socket._expiry.at });
      socket._settled();
    });
  }

  /** Closes the line of a client that uses an id that it has in flight. */
  private isFree(socket: Conversation, id: RequestId): boolean {
    const isFree = socket._requests?.has(id) !== true;
    if (!isFree)
      socket._end('server namespace disconnect', CLOSE_CODES.DUPLICATE_ID.code, 'id already in flight');
    return isFree;
  }

  private openRequest(
    socket: Conversation,
    event: string,
    id: string | number,
    stream: boolean,
  ): IncomingRequest | undefined {
    if (!this.isFree(socket, id)) return undefined;
    const requests = (socket._requests ??= new Map());
    const request = new IncomingRequest(socket, event, id, stream);
    requests.set(id, request);
    return request;
  }

  private deliver(
    socket: Conversation,
    event: string,
    data: unknown,
    request: IncomingRequest | undefined,
  ): void {
    let taken: boolean;
    const args = data === undefined ? [] : [data];
    if (request !== undefined) args.push(request.ack);
    try {
      taken = socket._listen(event, args);
    } catch (error) {
      return this.listenerFailed(socket, error, event, args);
    }
    if (this.dispatcher?.dispatch(socket, event, data, request) === true || taken) return;
    this.refuse(
      socket,
      new Refusal('unknown_event', `no handler takes "${event}"`, request?.id),
      false,
      request,
    );
  }

  /** A listener threw, or its promise was rejected: its client is told, unless it has its answer. */
  listenerFailed(socket: Conversation, error: unknown, event: string, args: readonly unknown[]): void {
    currentTrace()?.fail(error);
    const { isClientFault, toPayload } = socket.nsp._mount.failures;
    if (!isClientFault(error)) socket._report(error, `a listener of "${event}" threw`);
    // of a message that asks, the last argument is the function that answers
    const ack = args.at(-1);
    const request = [...(socket._requests?.values() ?? [])].find((open) => open.ack === ack);
    if (request !== undefined || typeof ack !== 'function') this.except(socket, request, toPayload(error));
  }

  private refuse(socket: Conversation, refusal: Refusal, counts: boolean, open?: IncomingRequest): void {
    this.counters.refusedMessages++;
    const { id, code } = refusal;
    if (channels.messageRefuse.hasSubscribers) channels.messageRefuse.publish({ socket, code });
    currentTrace()?.refuse(code);
    // an id that is in flight keeps its own request
    const request =
      open ??
      (id === undefined || socket._requests?.has(id) === true
        ? undefined
        : this.openRequest(socket, '', id, false));
    this.except(socket, request, refusal.toPayload());
    if (counts && ++socket._strikes >= MAX_STRIKES) {
      socket._end('parse error', CLOSE_CODES.POLICY_VIOLATION.code, 'too many malformed messages');
    }
  }

  private except(socket: Conversation, request: IncomingRequest | undefined, payload: object): void {
    if (request !== undefined) request.fail(payload);
    else socket._except(payload);
  }
}
