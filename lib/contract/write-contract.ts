import { rename, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { stringify } from 'yaml';
import { isRecordLike, refuse, show } from '../protocol/refuse.js';
import { withCode } from '../protocol/with-code.js';
import { checkContractOptions, createContract, type ContractOptions } from './create-contract.js';
import type { Contract } from './asyncapi-types.js';

/** A contract as YAML 1.2, which readers of YAML 1.1 take for the same: there `on` and `no` are no texts. */
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
 * Writes the contract of an application to a file, as JSON or YAML by the file's name. The same application makes the
 * same file, running or in preview, so that a build can tell by it whether the contract changed.
 *
 * @throws TypeError where `app` is no application, or an option is unknown; Error where the name ends in neither `.json`, `.yaml` nor `.yml`; and as {@link createContract} does
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
      new Error(
        `writeContract: file is ${show(file)}, and has to end in .json, .yaml or .yml, which say how to write it`,
      ),
    );
  const text = format(await createContract(app, options));
  // whoever reads it meanwhile, or finds it when this was cut off, has a whole one
  await writeFile(`${file}.tmp`, text);
  await rename(`${file}.tmp`, file);
}
