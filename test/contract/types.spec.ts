import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { jest } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import {
  contractToTypes,
  contractToYaml,
  createContract,
  Emits,
  writeTypes,
  type Contract,
  type JsonSchema,
} from '../../lib/contract/index.js';
import { readContract } from '../../lib/contract/types/read-contract.js';
import { startApp } from '../support/app.js';
import { Child } from '../support/child.js';
import { coded } from '../support/error-code.js';
import { expectGolden } from '../support/golden.js';
import { GATEWAYS, JwtGuard, KeyGuard } from './rich-app.js';
import { TYPE_GATEWAYS } from './types-app.js';

const OPTIONS = { title: 'Chat', version: '1.0' };
const INVALID = 'ERR_ENVELOPE_INVALID_CONTRACT';
/** A schema that `json-schema-to-typescript` refuses. */
const REFUSED: JsonSchema = { type: 'array', items: { type: 'string' }, minItems: 3, maxItems: 1 };

async function contractOf(providers: Type[], options = OPTIONS): Promise<Contract> {
  const app = await startApp({ providers });
  return createContract(app.nest, options);
}

function emitting(schemas: Record<string, JsonSchema>): Type {
  @Emits(schemas)
  @WebSocketGateway({ path: '/ws' })
  class Gateway {}
  return Gateway;
}

/** Returns the contract with one schema in `components.schemas`. */
function withSchema(contract: Contract, name: string, schema: JsonSchema): Contract {
  return { ...contract, components: { ...contract.components, schemas: { [name]: schema } } };
}

let folder: string;
let printed: unknown[][];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'types-'));
  printed = [];
  // the library prints why it refuses a schema
  jest.spyOn(console, 'error').mockImplementation((...args) => void printed.push(args));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(folder, { recursive: true });
});

describe('the types of a contract', () => {
  it('are those of the golden file for the rich application, also as YAML and JSON', async () => {
    const contract = await contractOf([...GATEWAYS, JwtGuard, KeyGuard]);
    const text = await contractToTypes(contract);
    await expectGolden('rich.ts', text);
    for (const written of [contractToYaml(contract), JSON.stringify(contract)])
      expect(await contractToTypes(readContract(written, 'file'))).toBe(text);
    expect(printed).toEqual([]);
  });

  it('are those of the golden file for names and schemas at the edge', async () => {
    const info = { title: 'Edge\u2028 "of" it\'s */', version: '1\n2' };
    await expectGolden('edge.ts', await contractToTypes(await contractOf(TYPE_GATEWAYS, info)));
  });

  it('import nothing where the contract has no path', async () => {
    const text = await contractToTypes(await contractOf([]));
    expect(text).not.toContain('import');
    expect(text).toContain('export interface ExceptionData {');
  });

  it('contain no code of a foreign contract, and load nothing for it', async () => {
    const evil = '*/ import("evil") /*';
    const contract = withSchema(await contractOf([emitting({ said: { type: 'string' } })]), 'Evil', {
      type: 'object',
      description: evil,
      required: ['a', 7],
      tsType: evil,
      tsEnumNames: [evil],
      extends: { $ref: 'file:///etc/passwd' },
      properties: {
        a: { tsType: evil, type: 'string', title: evil, $id: evil },
        b: { $ref: '/etc/passwd' },
        c: { $ref: 'http://127.0.0.1:1/' },
        [`": ${evil}; "`]: { enum: [evil, `"; ${evil}`] },
        '${evil}`': { const: `\u2028${evil}` },
      },
    });
    const text = await contractToTypes({
      ...contract,
      info: { title: `\n${evil}`, version: `\u2029${evil}` },
    });
    const code = text
      .replace(/\/\*\*[^]*?\*\//g, '')
      .replace(/^\/\/.*$/gm, '')
      .replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
    expect(code).not.toContain('evil');
    expect(code).toContain(
      'export interface Evil {\n  a: string;\n  b?: unknown;\n  c?: unknown;\n  ""?: ("" | "");\n  ""?: "";\n}',
    );
    expect(printed).toEqual([]);
  });

  it.each<[string, JsonSchema | boolean, string]>([
    ['any value', {}, 'export type X = unknown;'],
    ['true', true, 'export type X = unknown;'],
    ['no value', false, 'export type X = never;'],
    ['a negation', { not: { type: 'string' } }, 'export type X = unknown;'],
    ['required properties alone', { required: ['a'] }, 'export interface X {\n  a: unknown;\n}'],
    ['itself', { type: 'array', items: { $ref: '#/components/schemas/X' } }, 'export type X = X[];'],
    [
      'a nullable list of itself',
      {
        type: 'object',
        properties: { all: { type: ['array', 'null'], items: { $ref: '#/components/schemas/X' } } },
      },
      'export interface X {\n  all?: X[] | null;\n}',
    ],
    [
      'properties by pattern and by name',
      {
        type: 'object',
        properties: { a: { type: 'string' } },
        patternProperties: { '^x': { type: 'number' } },
        additionalProperties: { type: 'null' },
      },
      'export interface X {\n  a?: string;\n  [k: string]: number | null | string | undefined;\n}',
    ],
    [
      'nothing but itself',
      { anyOf: [{ $ref: '#/components/schemas/X' }, { type: 'null' }] },
      '/** Its schema is a reference to itself. */\nexport type X = unknown;',
    ],
    ['one of any values', { anyOf: [true, {}] }, 'export type X = unknown;'],
    [
      'no other properties',
      { properties: { a: { type: 'string' } }, patternProperties: { '^x': false } },
      'export interface X {\n  a?: string;\n}',
    ],
    [
      'a schema that the library refuses',
      REFUSED,
      '/** json-schema-to-typescript cannot compile components.schemas.X. */\nexport type X = unknown;',
    ],
    [
      'keywords of a wrong type',
      { type: 'object', properties: 7, required: 'a', allOf: {}, enum: 'x' } as never,
      'export interface X {\n  [k: string]: unknown;\n}',
    ],
  ])('describe %s', async (_, schema, expected) => {
    const contract = withSchema(await contractOf([]), 'X', schema as JsonSchema);
    expect(await contractToTypes(contract)).toContain(`\n${expected}\n`);
  });

  it('of a very deep schema are unknown', async () => {
    let deep: JsonSchema = { type: 'string' };
    for (let depth = 0; depth < 20_000; depth++) deep = { type: 'array', items: deep };
    const contract = withSchema(await contractOf([]), 'Deep', deep);
    expect(await contractToTypes(contract)).toContain('export type Deep = unknown;');
  });
});

describe('contractToTypes', () => {
  it.each<[string, (contract: Record<string, never>) => object, string]>([
    ['an OpenAPI document', () => ({ openapi: '3.0.0' }), 'it is not an AsyncAPI document'],
    ['AsyncAPI 2', (contract) => ({ ...contract, asyncapi: '2.6.0' }), 'it is AsyncAPI "2.6.0", not 3.0.0'],
    ['no channels', ({ channels: _, ...rest }) => rest, 'its channels is undefined, not an object'],
    [
      'a channel without an address',
      (contract) => ({ ...contract, channels: { a: null } }),
      'the channel "a" has no address',
    ],
    [
      'an operation without x-handler',
      (contract) => ({ ...contract, operations: { 'a.b': { action: 'send' } } }),
      'the operation "a.b" has no x-handler: another tool wrote it',
    ],
    [
      'an operation without a channel',
      (contract) => ({ ...contract, operations: { a: { 'x-handler': 'A.a', messages: [] } } }),
      'the operation "a" refers to no channel and messages',
    ],
    [
      'a reference to nothing',
      (contract) => ({
        ...contract,
        operations: { a: { 'x-handler': 'A.a', channel: { $ref: '#/channels/__proto__' }, messages: [] } },
      }),
      'operations/a refers to "#/channels/__proto__", which it does not contain',
    ],
    [
      'references in a circle',
      (contract) => ({
        ...contract,
        channels: { a: { address: '/', messages: { b: { $ref: '#/channels/a/messages/b' } } } },
        operations: {
          a: {
            'x-handler': 'A.a',
            channel: { $ref: '#/channels/a' },
            messages: [{ $ref: '#/channels/a/messages/b' }],
          },
        },
      }),
      'operations/a refers to "#/channels/a/messages/b", which it does not contain',
    ],
    [
      'a message without a payload',
      (contract) => ({
        ...contract,
        channels: { a: { address: '/', messages: { b: { name: 'b' } } } },
        operations: {
          a: {
            'x-handler': 'A.a',
            channel: { $ref: '#/channels/a' },
            messages: [{ $ref: '#/channels/a/messages/b' }],
          },
        },
      }),
      'operations/a refers to a message without a name or a payload',
    ],
  ])('refuses %s', async (_, change, message) => {
    const contract = change((await contractOf([])) as never) as Contract;
    await expect(contractToTypes(contract)).rejects.toThrow(coded(INVALID, message));
  });

  it('refuses a text that is no contract', () => {
    for (const [text, message] of [
      ['{"asyncapi": ', 'file is no contract of nestjs-envelope: it is neither JSON nor YAML: '],
      ['a: [', 'it is neither JSON nor YAML: '],
      ['a: &a [*a]', 'it is neither JSON nor YAML: '],
      ['', 'it is null'],
      ['hello', 'it is "hello"'],
    ] as const)
      expect(() => readContract(text, 'file')).toThrow(coded(INVALID, message));
  });
});

describe('writeTypes', () => {
  it('writes the file, and leaves it alone while nothing changes', async () => {
    const app = await startApp({ providers: [...GATEWAYS, JwtGuard, KeyGuard] });
    const file = join(folder, 'events.ts');
    expect(await writeTypes(app.nest, file, OPTIONS)).toBe(true);
    await expectGolden('rich.ts', await readFile(file, 'utf8'));
    const { ino, mtimeMs } = await stat(file);
    expect(await writeTypes(app.nest, file, OPTIONS)).toBe(false);
    expect(await stat(file)).toMatchObject({ ino, mtimeMs });
    expect(await writeTypes(app.nest, file, { ...OPTIONS, version: '2' })).toBe(true);
    expect(await readFile(file, 'utf8')).toContain("version '2'");
    await writeFile(file, 'changed by hand');
    expect(await writeTypes(app.nest, file, OPTIONS)).toBe(true);
    expect(await readdir(folder)).toEqual(['events.ts']);
  });

  it('leaves no temporary file where it cannot write', async () => {
    const app = await startApp({ providers: [] });
    await expect(writeTypes(app.nest, folder, OPTIONS)).rejects.toThrow(/EISDIR/);
    await expect(writeTypes(app.nest, join(folder, 'no/events.ts'), OPTIONS)).rejects.toThrow(/ENOENT/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('warns of a schema that the library refuses', async () => {
    const app = await startApp({ providers: [emitting({ list: REFUSED })] });
    await writeTypes(app.nest, join(folder, 'events.ts'), OPTIONS);
    expect(await readFile(join(folder, 'events.ts'), 'utf8')).toContain(
      '  /** json-schema-to-typescript cannot compile its schema, so a type is unknown. */\n  list: (data: unknown) => void;\n',
    );
    expect(app.log.of('warn')).toEqual([
      'json-schema-to-typescript refuses ws emits list. Its type is unknown',
    ]);
  });

  it('names the package to install if it is missing', async () => {
    const flags = [
      '--import',
      pathToFileURL(join(process.cwd(), 'test/support/child/without-peers.mjs')).href,
    ];
    const child = await Child.start('contract', { flags });
    expect(await child.ask('types')).toEqual([
      'writeTypes: json-schema-to-typescript is not installed: npm install --save-dev json-schema-to-typescript',
      'ERR_ENVELOPE_MISSING_PEER',
    ]);
    // a process starts beside others
  });
});
