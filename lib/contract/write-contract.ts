import { rename, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { stringify } from 'yaml';
import { isRecordLike, refuse, show } from '../protocol/refuse.js';
import { withCode } from '../protocol/with-code.js';
import { checkContractOptions, createContract, type ContractOptions } from './create-contract.js';
import type { Contract } from './asyncapi-types.js';

/**
 * Returns a contract as YAML 1.2. Texts such as `on` and `no` are quoted, because YAML 1.1 parsers read them as booleans.
 *
 * @throws TypeError if `contract` is not an object
 */
export function contractToYaml(contract: Contract): string {
  if (!isRecordLike(contract))
    refuse('contractToYaml', 'contract', contract, 'what createContract() returns');
  return stringify(contract, { aliasDuplicateObjects: false, compat: 'yaml-1.1', lineWidth: 0 });
}

const FORMATS: Readonly<Record<string, (contract: Contract) => string>> = {
  '.json': (contract) => `${JSON.stringify(contract, null, 2)}\n`,
  '.yaml': contractToYaml,
  '.yml': contractToYaml,
};

/**
 * Writes the contract of an application to a file, as JSON or YAML by the file extension. The same application always results in
 * the same file, running or in preview, so that a build can detect a changed contract.
 *
 * @example
 * await writeContract(await NestFactory.create(AppModule, { preview: true }), 'asyncapi.yaml');
 *
 * @throws (rejects) TypeError if `app` is not an application, or an option is unknown or malformed; Error if the file name does not end
 * in `.json`, `.yaml` or `.yml`; and as {@link createContract}
 */
export async function writeContract(
  app: INestApplicationContext,
  file: string,
  options: ContractOptions = {},
): Promise<void> {
  checkContractOptions('writeContract', app, options);
  if (typeof file !== 'string') refuse('writeContract', 'file', file, "a name, such as 'asyncapi.yaml'");
  const extension = extname(file).toLowerCase();
  const format = Object.hasOwn(FORMATS, extension) ? FORMATS[extension] : undefined;
  if (format === undefined)
    throw withCode(
      'ERR_ENVELOPE_INVALID_ARGUMENT',
      new Error(`writeContract: file is ${show(file)}: it takes a name that ends in .json, .yaml or .yml`),
    );
  const text = format(await createContract(app, options));
  // a rename is atomic, so that a reader, or a crash of this process, never leaves a partial file
  await writeFile(`${file}.tmp`, text);
  await rename(`${file}.tmp`, file);
}
