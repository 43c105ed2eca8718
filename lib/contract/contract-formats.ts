import { extname } from 'node:path';
import { stringify } from 'yaml';
import { isRecordLike, refuse, show } from '../protocol/refuse.js';
import { withCode } from '../protocol/with-code.js';
import type { Contract } from './asyncapi-types.js';

/**
 * Returns a contract as YAML 1.2. Texts such as `on` and `no` are quoted, because YAML 1.1 parsers read them as booleans.
 *
 * @throws TypeError if `contract` is not an object
 * @example
 * console.log(contractToYaml(await createContract(app)));
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
 * Returns the function that writes a contract as JSON or YAML, by the extension of a file.
 *
 * @param where the function or command that received the name, for the error
 * @throws Error if the name does not end in `.json`, `.yaml` or `.yml`
 */
export function formatOf(where: string, file: string): (contract: Contract) => string {
  const extension = extname(file).toLowerCase();
  const format = Object.hasOwn(FORMATS, extension) ? FORMATS[extension] : undefined;
  if (format !== undefined) return format;
  throw withCode(
    'ERR_ENVELOPE_INVALID_ARGUMENT',
    new Error(`${where}: file is ${show(file)}: it takes a name that ends in .json, .yaml or .yml`),
  );
}
