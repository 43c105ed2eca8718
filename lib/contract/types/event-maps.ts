import type {
  Contract,
  ContractChannel,
  ContractMessage,
  ContractOperation,
  JsonSchema,
} from '../asyncapi-types.js';
import { messageOf, resolve } from './read-contract.js';

/** A payload: its schema, with the words under which its type is declared; `null`: no payload. */
export type PayloadSchema = { readonly schema: JsonSchema; readonly title: string } | null;

/** An event of a channel, of all handlers that receive it, or of all gateways that send it. */
export interface ChannelEvent {
  readonly event: string;
  readonly payloads: PayloadSchema[];
  /** The handlers, such as `ChatGateway.say`, or the gateways that declare the event. */
  readonly handlers: string[];
  /** The answers of the handlers. */
  readonly answers: PayloadSchema[];
  isStream: boolean;
  isDeprecated: boolean;
  /** What the contract says about it. */
  readonly texts: string[];
}

/** A channel of a contract with its events. */
export interface EventMaps {
  readonly key: string;
  readonly channel: ContractChannel;
  /** What clients send. */
  readonly emits: readonly ChannelEvent[];
  /** What the server sends. */
  readonly listens: readonly ChannelEvent[];
}

/** Returns the channels of a contract with their events, in the order of the contract. */
export function eventMapsOf(contract: Contract): EventMaps[] {
  const maps = new Map(
    Object.entries(contract.channels).map(([key, channel]) => [
      channel,
      { key, channel, emits: new Map<string, ChannelEvent>(), listens: new Map<string, ChannelEvent>() },
    ]),
  );
  for (const [key, operation] of Object.entries(contract.operations)) {
    const found = maps.get(resolve(contract, operation.channel, `operations/${key}`) as ContractChannel);
    if (found === undefined) continue;
    addOperation(contract, operation, `operations/${key}`, found);
  }
  return [...maps.values()].map(({ emits, listens, ...rest }) => ({
    ...rest,
    emits: [...emits.values()],
    listens: [...listens.values()],
  }));
}

function addOperation(
  contract: Contract,
  operation: ContractOperation,
  where: string,
  { emits, listens }: { emits: Map<string, ChannelEvent>; listens: Map<string, ChannelEvent> },
): void {
  const [request] = messagesOf(contract, operation.messages, where);
  if (request === undefined) return;
  const isReceived = operation.action === 'receive';
  const event = entryOf(isReceived ? emits : listens, request.name);
  addUnlessEqual(event.payloads, payloadOf(request));
  event.handlers.push(operation['x-handler']);
  event.isDeprecated ||= operation['x-deprecated'] === true;
  addTexts(event.texts, operation.summary, operation.description);
  if (!isReceived) return;
  const [answer] = messagesOf(contract, operation.reply?.messages ?? [], where);
  addUnlessEqual(event.answers, answer === undefined ? null : payloadOf(answer));
  event.isStream ||= answer !== undefined && 'more' in propertiesOf(answer);
  if (answer?.description !== undefined) addTexts(event.texts, `Answer: ${answer.description}`);
}

function entryOf(events: Map<string, ChannelEvent>, event: string): ChannelEvent {
  const made = events.get(event) ?? {
    event,
    payloads: [],
    handlers: [],
    answers: [],
    isStream: false,
    isDeprecated: false,
    texts: [],
  };
  events.set(event, made);
  return made;
}

function messagesOf(
  contract: Contract,
  references: ContractOperation['messages'],
  where: string,
): ContractMessage[] {
  return references.map((reference) => messageOf(resolve(contract, reference, where), where));
}

function payloadOf(message: ContractMessage): PayloadSchema {
  const { data } = propertiesOf(message);
  if (data === undefined) return null;
  return { schema: data, title: String(message.payload['title']) };
}

function propertiesOf({ payload }: ContractMessage): Record<string, JsonSchema> {
  return Object(payload['properties']) as Record<string, JsonSchema>;
}

function addUnlessEqual(payloads: PayloadSchema[], payload: PayloadSchema): void {
  const text = JSON.stringify(payload?.schema);
  if (!payloads.some((known) => JSON.stringify(known?.schema) === text)) payloads.push(payload);
}

function addTexts(texts: string[], ...added: readonly (string | undefined)[]): void {
  for (const text of added) if (text !== undefined && !texts.includes(text)) texts.push(text);
}
