import type { Contract } from '../asyncapi-types.js';
import { ChannelWriter } from './channel-writer.js';
import { circularSchemas } from './circular-schemas.js';
import { helpersOf } from './connect-functions.js';
import { eventMapsOf } from './event-maps.js';
import { segmentsOf } from './read-contract.js';
import { SchemaTypes } from './schema-types.js';
import { quote } from './source-text.js';
import { TypeNames } from './type-names.js';

/** A file of types, and what the library that makes them refused. */
interface GeneratedTypes {
  readonly text: string;
  /** The schemas whose type is `unknown` because the library refused them, as texts for people. */
  readonly refused: readonly string[];
}

/**
 * Makes the types of a client from a contract: an interface for each schema, the event maps of each path, and functions that
 * connect to it. The same contract always results in the same text.
 *
 * @param caller the function or command that needs them, for errors
 * @throws (rejects) Error if `json-schema-to-typescript` is not installed, or the contract refers to what it does not contain
 */
export async function generateTypes(contract: Contract, caller: string): Promise<GeneratedTypes> {
  const { title, version } = contract.info;
  const { schemas = {}, messages } = contract.components;
  const names = new TypeNames();
  const schemaNames = new Map(Object.keys(schemas).map((name) => [name, names.take(name)]));
  const nameOf = (reference: string): string | undefined => {
    const [components, kind, name = '', ...rest] = segmentsOf(reference);
    const isSchema = components === 'components' && kind === 'schemas' && rest.length === 0;
    return isSchema && schemaNames.has(name) ? name : undefined;
  };
  const circular = circularSchemas(schemas, nameOf);
  const types = await SchemaTypes.load(caller, (reference) => {
    const name = nameOf(reference);
    return name === undefined ? undefined : schemaNames.get(name);
  });
  const maps = eventMapsOf(contract).map((map) => ({
    ...map,
    name: names.takeAll(map.key, ['Listens', 'Emits']),
  }));
  const declarations: string[] = [];
  for (const [name, given] of Object.entries(schemas)) {
    const schema = circular.has(name) ? { description: 'Its schema is a reference to itself.' } : given;
    declarations.push(await types.declare(schemaNames.get(name)!, schema, `components.schemas.${name}`));
  }
  const writer = new ChannelWriter(names, types, declarations);
  const exception = await writer.exception(messages?.['exception']);
  for (const { name, ...map } of maps) await writer.write(name, map, exception);
  const text = [
    '/* eslint-disable */\n' +
      `// The events of ${quote(String(title))}, version ${quote(String(version))}. Made by nestjs-envelope from the contract: do not edit.\n`,
    ...(maps.length === 0
      ? []
      : ["import { connect, type ClientOptions, type ClientSocket } from 'nestjs-envelope/client';\n"]),
    ...declarations,
    ...helpersOf(writer.functions.join('')),
  ].join('\n');
  return { text, refused: types.refused };
}
