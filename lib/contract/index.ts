export { createContract, type ContractOptions } from './create-contract.js';
export {
  Describe,
  Emits,
  Receives,
  Replies,
  Security,
  type Description,
  type RepliesOptions,
} from './decorators.js';
export type {
  Contract,
  ContractChannel,
  ContractMessage,
  ContractOperation,
  ContractServer,
  JsonSchema,
  Reference,
  SecurityScheme,
} from './asyncapi-types.js';
export {
  defineEvents,
  schema,
  type EventDefinitions,
  type EventsOf,
  type PayloadOf,
  type SchemaClass,
  type SchemaSource,
  type TypedSchema,
} from './events.js';
export type { ConvertedSchema, SchemaConverter } from './exported-schema.js';
export type {
  SchemaIssue,
  SchemaResult,
  SchemaSide,
  StandardSchema,
} from '../nest/schemas/standard-schema.js';
export { contractToYaml } from './contract-formats.js';
export { writeContract } from './write-contract.js';
export { contractToTypes, writeTypes } from './types/write-types.js';
