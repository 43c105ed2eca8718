import type { Gateway } from '../gateway/gateway-explorer.js';
import type { Place } from '../upgrade/place.js';
import { addressOf } from './address.js';
import { handshakeOf } from './credentials.js';
import { descriptionOf, emittedBy, type Description } from './decorators.js';
import type {
  ContractChannel,
  ContractMessage,
  ContractOperation,
  JsonSchema,
  Reference,
} from './document.js';
import { handlersOf, type Handler, type Taken } from './handlers.js';
import { pointer, sorted, toKey, unique, unlessEmpty } from './keys.js';
import { emittedMessage, replyMessage, requestMessage, type Payload } from './messages.js';
import type { Schemas } from './schemas.js';
import {
  demandsOf,
  demandsOfConnection,
  demandsOfGateway,
  type Demand,
  type SecuritySchemes,
} from './security.js';
import type { EnvelopeOptions } from '../envelope.options.js';

/** One path of an application while its contract is written. */
export class ChannelDraft {
  private readonly messages = new Map<string, ContractMessage | Reference>([
    ['exception', { $ref: pointer('components', 'messages', 'exception') }],
  ]);
  private readonly gateways: readonly {
    type: Gateway['type'];
    handlers: readonly Handler[];
    demands: Demand[];
  }[];
  private readonly ofConnection: readonly Demand[];

  constructor(
    readonly key: string,
    readonly place: Place,
    gateways: readonly Gateway[],
    { upgradeGuards = true }: EnvelopeOptions,
    private readonly schemas: Schemas,
  ) {
    this.ofConnection = demandsOfConnection(gateways, upgradeGuards);
    this.gateways = gateways.map((gateway) => ({
      type: gateway.type,
      handlers: handlersOf(gateway),
      demands: demandsOfGateway(gateway),
    }));
  }

  /** All that is demanded on this path of whomever. */
  get demands(): Demand[] {
    return [
      ...this.ofConnection,
      ...this.gateways.flatMap(({ demands, handlers }) => [
        ...demands,
        ...handlers.flatMap(({ method, name }) => demandsOf(method, name)),
      ]),
    ];
  }

  /** Adds the operations of this channel, and to itself their messages. */
  addOperations(operations: Map<string, ContractOperation>, security: SecuritySchemes): void {
    const add = (name: string, operation: ContractOperation): void => {
      operations.set(unique(operations, `${this.key}.${toKey(name)}`), operation);
    };
    for (const { demands, handlers } of this.gateways) {
      for (const handler of handlers) {
        const all = [...this.ofConnection, ...demands, ...demandsOf(handler.method, handler.name)];
        add(handler.event, { ...this.receive(handler), ...secured(security, all) });
      }
    }
    const emitted = new Set<string>();
    for (const { type, demands, handlers } of this.gateways) {
      const all = [...this.ofConnection, ...demands];
      for (const { target, where } of [
        { target: type, where: type.name },
        ...handlers.map(({ method, name }) => ({ target: method, where: name })),
      ]) {
        for (const { event, source, description } of emittedBy(target)) {
          const message = emittedMessage(event, this.payload(source, where), description);
          const reference = this.refer(`emits.${event}`, message);
          // declared by several gateways, or by a handler as well: it is one event
          if (emitted.has(reference.$ref)) continue;
          emitted.add(reference.$ref);
          const words = description === undefined ? {} : { description };
          const operation = this.operation('send', event, where, words, reference);
          add(`emits.${event}`, { ...operation, ...secured(security, all) });
        }
      }
    }
  }

  /** @param servers where it is to be found, if not on all of them */
  toChannel(security: SecuritySchemes, servers: readonly Reference[] | undefined): ContractChannel {
    const { address, parameters, description } = addressOf(this.place);
    const handshake = handshakeOf(security.of(this.demands).map(({ scheme }) => scheme));
    const words = this.gateways
      .map(({ type }) => descriptionOf(type))
      .flatMap(({ summary, description }) => [summary, description]);
    const paragraphs = [...words, description, handshake.description].filter(
      (text) => text !== undefined && text !== '',
    );
    return {
      address,
      title: this.gateways.map(({ type }) => type.name).join(', '),
      ...(paragraphs.length > 0 && { description: paragraphs.join('\n\n') }),
      ...(servers && { servers }),
      ...(unlessEmpty(parameters) && { parameters }),
      messages: sorted(this.messages),
      bindings: handshake.bindings,
    };
  }

  private receive({ event, name, takes, reply, words }: Handler): ContractOperation {
    const { source, stream = false, event: answer = event, description } = reply;
    const request = requestMessage(event, this.taken(takes, name), stream);
    const answered = replyMessage(answer, this.payload(source, name), stream, description);
    const operation = this.operation('receive', event, name, words, this.refer(event, request));
    const messages = [this.refer(`${event}.reply`, answered), this.reference('exception')];
    return { ...operation, reply: { channel: operation.channel, messages } };
  }

  private operation(
    action: ContractOperation['action'],
    title: string,
    handler: string,
    { summary, description, deprecated }: Description,
    message: Reference,
  ): ContractOperation {
    return {
      action,
      channel: { $ref: pointer('channels', this.key) },
      title,
      ...(summary && { summary }),
      ...(description && { description }),
      messages: [message],
      ...(deprecated && { 'x-deprecated': deprecated }),
      'x-handler': handler,
    };
  }

  private taken(takes: Taken, where: string): Payload {
    if ('whole' in takes) return this.payload(takes.whole, where);
    const fields = Object.entries(takes.fields).map(([name, source]): [string, JsonSchema] => [
      name,
      this.payload(source, where) ?? {},
    ]);
    return { type: 'object', properties: Object.fromEntries(fields) };
  }

  private payload(source: Handler['reply']['source'], where: string): Payload {
    return source === null || source === undefined ? source : this.schemas.of(source, where);
  }

  /** Keeps a message, unless that very message is there. */
  private refer(name: string, message: ContractMessage): Reference {
    const wanted = toKey(name);
    const isSame = JSON.stringify(this.messages.get(wanted)) === JSON.stringify(message);
    const key = isSame ? wanted : unique(this.messages, wanted);
    this.messages.set(key, message);
    return this.reference(key);
  }

  private reference(key: string): Reference {
    return { $ref: pointer('channels', this.key, 'messages', key) };
  }
}

function secured(security: SecuritySchemes, demands: readonly Demand[]): Pick<ContractOperation, 'security'> {
  return demands.length === 0 ? {} : { security: security.references(demands) };
}
