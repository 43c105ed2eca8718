import { Logger, type INestApplicationContext } from '@nestjs/common';
import { isRecordLike, refuse } from '../../protocol/refuse.js';
import type { Contract } from '../asyncapi-types.js';
import { checkContractOptions, createContract, type ContractOptions } from '../create-contract.js';
import { generateTypes } from './generate-types.js';
import { assertContract } from './read-contract.js';
import { writeIfChanged } from './write-if-changed.js';

/**
 * Returns the TypeScript of a typed client: an interface for each schema of the contract, the event maps of each path for
 * `connect<Listens, Emits>`, and functions that connect. A schema that the library cannot compile is `unknown`, and a comment
 * names it. Needs the package `json-schema-to-typescript`.
 *
 * @throws (rejects) TypeError if `contract` is not an object; Error if it is not a contract of this package, or
 * `json-schema-to-typescript` is not installed
 * @example
 * const text = await contractToTypes(await createContract(app));
 */
export async function contractToTypes(contract: Contract): Promise<string> {
  if (!isRecordLike(contract))
    refuse('contractToTypes', 'contract', contract, 'what createContract() returns');
  assertContract(contract, 'contractToTypes: contract');
  const { text } = await generateTypes(contract, 'contractToTypes');
  return text;
}

/**
 * Writes the types of an application's clients to a file; see {@link contractToTypes}. A file that has the same text already is not
 * written, so that it can be called at each start in development, without a bundler that watches the file rebuilding for nothing.
 *
 * @example
 * if (process.env.NODE_ENV !== 'production') await writeTypes(app, '../web/src/events.ts');
 *
 * @returns whether the file was written: `false` if it was up to date
 * @throws (rejects) TypeError if `app` is not an application, or an option is unknown or malformed; Error if
 * `json-schema-to-typescript` is not installed; and as {@link createContract}
 */
export async function writeTypes(
  app: INestApplicationContext,
  file: string,
  options: ContractOptions = {},
): Promise<boolean> {
  checkContractOptions('writeTypes', app, options);
  if (typeof file !== 'string' || file === '')
    refuse('writeTypes', 'file', file, "a name, such as 'web/events.ts'");
  const { text, refused } = await generateTypes(await createContract(app, options), 'writeTypes');
  for (const schema of refused)
    new Logger('writeTypes').warn(`json-schema-to-typescript refuses ${schema}. Its type is unknown`);
  return writeIfChanged(file, text);
}
