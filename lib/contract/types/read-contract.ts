import { parse } from 'yaml';
import { isRecordLike, show } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';
import type { Contract, ContractMessage, Reference } from '../asyncapi-types.js';

/** Number of references that may refer to each other. */
const MAX_HOPS = 8;
/** What to do about a document that is no contract of this package. */
const FIX = 'Pass a contract that writeContract() or the explorer of nestjs-envelope wrote';

/**
 * Reads a contract from JSON or YAML, which contains JSON.
 *
 * @param name the file or URL of the text, for errors
 * @throws Error if the text is neither JSON nor YAML, or no contract of this package
 */
export function readContract(text: string, name: string): Contract {
  let document: unknown;
  try {
    document = text.trimStart().startsWith('{') ? JSON.parse(text) : parse(text);
    // a YAML document may contain itself, and dates
    document = JSON.parse(JSON.stringify(document) ?? 'null');
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw invalid(name, `it is neither JSON nor YAML: ${reason!}`, error);
  }
  assertContract(document, name);
  return document;
}

/**
 * Checks that a value is a contract of this package.
 *
 * @param where the file, URL or function that it comes from, for errors
 * @throws Error that says what is missing
 */
export function assertContract(document: unknown, where: string): asserts document is Contract {
  if (!isRecordLike(document)) throw invalid(where, `it is ${show(document)}`);
  const { asyncapi, info, channels, operations, components } = document as Partial<Record<string, unknown>>;
  if (asyncapi === undefined) throw invalid(where, 'it is not an AsyncAPI document');
  if (!/^3\./.test(String(asyncapi))) throw invalid(where, `it is AsyncAPI ${show(asyncapi)}, not 3.0.0`);
  for (const [name, value] of Object.entries({ info, channels, operations, components }))
    if (!isRecordLike(value)) throw invalid(where, `its ${name} is ${show(value)}, not an object`);
  for (const [key, channel] of Object.entries(channels as object))
    if (typeof Reflect.get(Object(channel) as object, 'address') !== 'string')
      throw invalid(where, `the channel ${show(key)} has no address`);
  for (const [key, operation] of Object.entries(operations as object)) {
    const { 'x-handler': handler, channel, messages } = Object(operation) as Record<string, unknown>;
    if (typeof handler !== 'string')
      throw invalid(where, `the operation ${show(key)} has no x-handler: another tool wrote it`);
    if (!isReference(channel) || !Array.isArray(messages) || !messages.every(isReference))
      throw invalid(where, `the operation ${show(key)} refers to no channel and messages`);
  }
}

/**
 * Returns what a reference of a contract stands for.
 *
 * @param where the place of the reference, for the error
 * @throws Error if the contract does not contain it
 */
export function resolve(contract: Contract, reference: Reference, where: string): object {
  let target: unknown = contract;
  let rest = segmentsOf(reference.$ref);
  // a message of a channel may itself be a reference, to a message of the components
  for (let hops = 0; ; hops++) {
    for (const segment of rest) {
      const isOwn = isRecordLike(target) && Object.hasOwn(target, segment);
      target = isOwn ? Reflect.get(target as object, segment) : undefined;
    }
    if (!isReference(target) || hops === MAX_HOPS) break;
    rest = segmentsOf(target.$ref);
    target = contract;
  }
  if (isRecordLike(target) && !isReference(target)) return target;
  throw invalid('The document', `${where} refers to ${show(reference.$ref)}, which it does not contain`);
}

/** @throws Error if the object is no message of an envelope */
export function messageOf(object: object, where: string): ContractMessage {
  const { name, payload } = object as Partial<ContractMessage>;
  if (typeof name !== 'string' || !isRecordLike(payload))
    throw invalid('The document', `${where} refers to a message without a name or a payload`);
  return object as ContractMessage;
}

/** Returns the segments of a reference: a JSON Pointer in a URI fragment. */
export function segmentsOf(reference: string): string[] {
  return reference
    .replace(/^#\//, '')
    .split('/')
    .map((segment) => {
      try {
        return decodeURIComponent(segment).replaceAll('~1', '/').replaceAll('~0', '~');
      } catch {
        return segment;
      }
    });
}

function isReference(value: unknown): value is Reference {
  return isRecordLike(value) && typeof Reflect.get(value, '$ref') === 'string';
}

function invalid(where: string, problem: string, cause?: unknown): Error {
  return withCode(
    'ERR_ENVELOPE_INVALID_CONTRACT',
    new Error(`${where} is no contract of nestjs-envelope: ${problem}. ${FIX}`, { cause }),
  );
}
