import type { Gateway } from '../nest/gateways/gateway-explorer.js';
import type { MountPoint } from '../server/upgrade/mount-point.js';
import { addressOf } from './channel-address.js';
import { handshakeOf } from './handshake-binding.js';
import { descriptionOf, emittedBy, type Emitted } from './decorators.js';
import type {
  ContractChannel,
  ContractMessage,
  ContractOperation,
  JsonSchema,
  Reference,
} from './asyncapi-types.js';
import type { SchemaSource } from './events.js';
import { handlersOf, refusesNothing, type Handler, type Taken } from './handlers.js';
import { pointer, sorted, toKey, typeName, unique, unlessEmpty } from './naming.js';
import { emittedMessage, replyMessage, requestMessage, type Payload } from './messages.js';
import type { Place, Schemas } from './schemas.js';
import {
  demandsOf,
  demandsOfConnection,
  demandsOfGateway,
  type Demand,
  type SecuritySchemes,
} from './security.js';
import type { SchemaSide } from '../nest/schemas/standard-schema.js';
import { UPGRADE_GUARDS, type EnvelopeOptions } from '../nest/options/options.js';

/** Collects the messages and operations of one path, and builds its channel. */
export class ChannelBuilder {
  private readonly messages = new Map<string, ContractMessage | Reference>([
    ['exception', { $ref: pointer('components', 'messages', 'exception') }],
  ]);
  private readonly gateways: readonly {
    type: Gateway['type'];
    handlers: readonly Handler[];
    demands: Demand[];
  }[];
  private readonly connectionDemands: readonly Demand[];

  constructor(
    readonly key: string,
    readonly mountPoint: MountPoint,
    gateways: readonly Gateway[],
    { upgradeGuards = UPGRADE_GUARDS }: EnvelopeOptions,
    private readonly schemas: Schemas,
  ) {
    this.connectionDemands = demandsOfConnection(gateways, upgradeGuards);
    this.gateways = gateways.map((gateway) => ({
      type: gateway.type,
      handlers: handlersOf(gateway),
      demands: demandsOfGateway(gateway),
    }));
  }

  /** All security demands on this path: of the connection, the gateways and their handlers. */
  get demands(): Demand[] {
    return [
      ...this.connectionDemands,
      ...this.gateways.flatMap(({ demands, handlers }) => [
        ...demands,
        ...handlers.flatMap(({ method, name }) => demandsOf(method, name)),
      ]),
    ];
  }

  /** Adds the operations of this channel to `operations`, and their messages to the channel. */
  addOperations(operations: Map<string, ContractOperation>, security: SecuritySchemes): void {
    const add = (name: string, operation: ContractOperation, demands: readonly Demand[]): void => {
      const all = security.references([...this.connectionDemands, ...demands]);
      operations.set(unique(operations, `${this.key}.${toKey(name)}`), {
        ...operation,
        ...(all.length > 0 && { security: all }),
      });
    };
    for (const { demands, handlers } of this.gateways) {
      for (const handler of handlers)
        add(handler.event, this.receive(handler), [...demands, ...demandsOf(handler.method, handler.name)]);
    }
    const emitted = new Set<string>();
    for (const { type, demands, handlers } of this.gateways) {
      for (const { method, name } of [{ method: type, name: type.name }, ...handlers]) {
        for (const event of emittedBy(method)) {
          const operation = this.send(event, name);
          const [{ $ref }] = operation.messages as [Reference];
          // several gateways or handlers may declare the same event
          if (!emitted.has($ref)) add(`emits.${event.event}`, operation, demands);
          emitted.add($ref);
        }
      }
    }
  }

  /**
   * Returns the channel. Call it after `addOperations`.
   *
   * @param servers the servers of the channel. `undefined`: all servers
   */
  toChannel(security: SecuritySchemes, servers: readonly Reference[] | undefined): ContractChannel {
    const { address, parameters, description } = addressOf(this.mountPoint);
    const schemes = security.of(this.demands).map(({ scheme }) => scheme);
    const handshake = handshakeOf(schemes, this.connectionDemands.length > 0);
    const texts = this.gateways
      .map(({ type }) => descriptionOf(type))
      .flatMap(({ summary, description }) => [summary, description]);
    const paragraphs = [...texts, description, ...handshake.paragraphs].filter(
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

  private receive({ event, name, takes, reply, description: about }: Handler): ContractOperation {
    const { source, stream = false, event: answer = event, description } = reply;
    const request = requestMessage(event, this.requestPayload(takes, name, event), stream);
    const replyPlace = { where: name, event: answer, what: `the reply to "${event}"` };
    const answered = replyMessage(answer, this.payload(source, replyPlace, 'output'), stream, description);
    return {
      action: 'receive',
      channel: this.reference(),
      title: event,
      ...(about.summary && { summary: about.summary }),
      ...(about.description && { description: about.description }),
      messages: [this.refer(event, request)],
      reply: {
        channel: this.reference(),
        messages: [this.refer(`${event}.reply`, answered), this.reference('messages', 'exception')],
      },
      ...(about.deprecated && { 'x-deprecated': true }),
      'x-handler': name,
    };
  }

  private send({ event, source, description }: Emitted, where: string): ContractOperation {
    const place = { where, event, what: `the data of "${event}"` };
    const message = emittedMessage(event, this.payload(source, place, 'output'), description);
    return {
      action: 'send',
      channel: this.reference(),
      title: event,
      ...(description && { description }),
      messages: [this.refer(`emits.${event}`, message)],
      'x-handler': where,
    };
  }

  private requestPayload(takes: Taken, where: string, event: string): Payload {
    const data = `the data of "${event}"`;
    if ('whole' in takes) return this.payload(takes.whole, { where, event, what: data }, 'input');
    const fields = Object.entries(takes.fields);
    const required = fields.filter(([, source]) => refusesNothing(source)).map(([name]) => name);
    const properties = fields.map(([name, source]): [string, JsonSchema] => [
      name,
      this.payload(source, { where, event, what: `the field "${name}" of ${data}` }, 'input') ?? {},
    ]);
    return {
      type: 'object',
      properties: Object.fromEntries(properties),
      ...(required.length > 0 && { required }),
    };
  }

  private payload(source: SchemaSource | undefined, place: Place, side: SchemaSide): Payload {
    return source === null || source === undefined ? source : this.schemas.of(source, place, side);
  }

  /** Adds a message, unless the channel has the same one under that key, and returns a reference to it. */
  private refer(name: string, message: ContractMessage): Reference {
    const wanted = toKey(name);
    const isSame = JSON.stringify(this.messages.get(wanted)) === JSON.stringify(this.titled(wanted, message));
    const key = isSame ? wanted : unique(this.messages, wanted);
    this.messages.set(key, this.titled(key, message));
    return this.reference('messages', key);
  }

  /** Adds a title to the payload's schema. Code generators name the type after it. */
  private titled(key: string, message: ContractMessage): ContractMessage {
    return { ...message, payload: { title: typeName(`${this.key} ${key}`), ...message.payload } };
  }

  private reference(...inside: string[]): Reference {
    return { $ref: pointer('channels', this.key, ...inside) };
  }
}
