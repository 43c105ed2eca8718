import type { ContractMessage, JsonSchema } from '../asyncapi-types.js';
import { connectFunctions } from './connect-functions.js';
import type { ChannelEvent, EventMaps, PayloadSchema } from './event-maps.js';
import type { SchemaTypes } from './schema-types.js';
import { docComment, propertyName } from './source-text.js';
import type { TypeNames } from './type-names.js';

/** The type of any JSON. */
const UNKNOWN = 'unknown';

/** Writes the event maps and the functions of channels. */
export class ChannelWriter {
  /** The functions of all channels. */
  readonly functions: string[] = [];
  /** The expressions of payloads that are written already, by name and schema: a message may be sent and received. */
  private readonly written = new Map<string, string>();
  /** The payloads whose schemas the library refused. */
  private readonly refused = new Set<string>();

  /** @param declarations where the parts of the file are added */
  constructor(
    private readonly names: TypeNames,
    private readonly types: SchemaTypes,
    private readonly declarations: string[],
  ) {}

  /** Declares the data of the message `exception`, and returns its type. */
  async exception(message: ContractMessage | undefined): Promise<string> {
    const { data } = Object(message?.payload['properties']) as Record<string, JsonSchema>;
    if (data === undefined) return UNKNOWN;
    // a filter of the application may send any other object
    const schema = { ...data, type: 'object', additionalProperties: true };
    return this.express({ schema, title: 'ExceptionData' }, 'the message exception');
  }

  /**
   * Writes one channel.
   *
   * @param name the name of the channel's types
   * @param exception the type of the data of exceptions
   */
  async write(name: string, { key, channel, emits, listens }: EventMaps, exception: string): Promise<void> {
    const sent: string[] = [];
    for (const event of emits) sent.push(await this.sentMember(event, key));
    const received: string[] = [];
    for (const event of listens) received.push(await this.receivedMember(event, key));
    if (!listens.some(({ event }) => event === 'exception'))
      received.push(`exception: (data: ${exception}) => void;\n`);
    const functions = connectFunctions(name, channel);
    this.functions.push(functions);
    this.declarations.push(
      interfaceOf(`${name}Emits`, sent, `What clients send to ${channel.address}.`),
      interfaceOf(`${name}Listens`, received, `What the server sends to clients of ${channel.address}.`),
      functions,
    );
  }

  /** Returns a member of the map of what clients send. */
  private async sentMember(event: ChannelEvent, key: string): Promise<string> {
    const what = `${key} ${event.event}`;
    const payloads = await this.expressAll(event.payloads, what);
    const data = payloads.filter((type) => type !== undefined);
    const answer = unionOf(await this.expressAll(event.answers, `${what}, answer`));
    const parameters = [
      // each handler of the event gets the same data
      ...(data.length === 0 ? [] : [`data: ${intersectionOf(data)}`]),
      `answer?: (${answer === undefined ? '' : `data: ${answer}`}) => void`,
    ];
    const isRefused = [what, `${what}, answer`].some((name) => this.refused.has(name));
    return memberOf(event, parameters, isRefused, event.isStream);
  }

  /** Returns a member of the map of what the server sends. */
  private async receivedMember(event: ChannelEvent, key: string): Promise<string> {
    const what = `${key} emits ${event.event}`;
    const payloads = await this.expressAll(event.payloads, what);
    const isOptional = payloads.includes(undefined);
    const data = unionOf(payloads.filter((type) => type !== undefined));
    const parameters = data === undefined ? [] : [`data${isOptional ? '?' : ''}: ${data}`];
    return memberOf(event, parameters, this.refused.has(what));
  }

  private async expressAll(
    payloads: readonly PayloadSchema[],
    what: string,
  ): Promise<(string | undefined)[]> {
    const all: (string | undefined)[] = [];
    for (const payload of payloads)
      all.push(payload === null ? undefined : await this.express(payload, what));
    return [...new Set(all)];
  }

  /** Returns the expression of a payload's type, and declares the type where it needs a name. */
  private async express({ schema, title }: NonNullable<PayloadSchema>, what: string): Promise<string> {
    const text = JSON.stringify([title, schema]);
    const known = this.written.get(text);
    if (known !== undefined) return known;
    const { expression, declaration, isRefused } = await this.types.express(schema, what, () =>
      this.names.take(title),
    );
    if (isRefused) this.refused.add(what);
    if (declaration !== undefined) this.declarations.push(declaration);
    this.written.set(text, expression);
    return expression;
  }
}

function interfaceOf(name: string, members: readonly string[], ...texts: (string | undefined)[]): string {
  const body = members.map((member) => member.replace(/^(?=.)/gm, '  ')).join('');
  return `${docComment(...texts)}export interface ${name} {${members.length === 0 ? '' : '\n'}${body}}\n`;
}

function memberOf(
  { event, texts, isDeprecated }: ChannelEvent,
  parameters: readonly string[],
  isRefused: boolean,
  isStream = false,
): string {
  const comment = docComment(
    ...texts,
    isRefused ? 'json-schema-to-typescript cannot compile its schema, so a type is unknown.' : undefined,
    isStream ? 'A stream: `socket.stream` gets all values.' : undefined,
    isDeprecated ? '@deprecated' : undefined,
  );
  return `${comment}${propertyName(event)}: (${parameters.join(', ')}) => void;\n`;
}

/** Returns a union; `undefined` if nothing is the only type of it. */
function unionOf(types: readonly (string | undefined)[]): string | undefined {
  if (types.every((type) => type === undefined)) return undefined;
  return types.includes(UNKNOWN) ? UNKNOWN : types.map((type) => type ?? 'undefined').join(' | ');
}

function intersectionOf(types: readonly string[]): string {
  const known = types.filter((type) => type !== UNKNOWN);
  if (known.length === 0) return UNKNOWN;
  return known.length === 1
    ? known[0]!
    : known.map((type) => (/\W/.test(type) ? `(${type})` : type)).join(' & ');
}
