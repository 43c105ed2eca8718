import { rename, writeFile } from 'node:fs/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { refuse } from '../protocol/refuse.js';
import { formatOf } from './contract-formats.js';
import { checkContractOptions, createContract, type ContractOptions } from './create-contract.js';

/**
 * Writes the contract of an application to a file, as JSON or YAML by the file extension. The same application always results in
 * the same file, running or in preview, so that a build can detect a changed contract.
 *
 * @example
 * await writeContract(await NestFactory.create(AppModule, { preview: true }), 'asyncapi.yaml');
 *
 * @throws (rejects) TypeError if `app` is not an application, or an option is unknown or malformed; Error if the file name does
 * not end in `.json`, `.yaml` or `.yml`; and as {@link createContract}
 */
export async function writeContract(
  app: INestApplicationContext,
  file: string,
  options: ContractOptions = {},
): Promise<void> {
  checkContractOptions('writeContract', app, options);
  if (typeof file !== 'string') refuse('writeContract', 'file', file, "a name, such as 'asyncapi.yaml'");
  const format = formatOf('writeContract', file);
  const text = format(await createContract(app, options));
  // a rename is atomic, so that a reader, or a crash of this process, never leaves a partial file
  await writeFile(`${file}.tmp`, text);
  await rename(`${file}.tmp`, file);
}
