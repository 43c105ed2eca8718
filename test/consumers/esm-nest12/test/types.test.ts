import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { writeContract, writeTypes } from 'nestjs-envelope/contract';
import { AppModule } from '../src/app.module.js';

const run = promisify(execFile);
/** `npm run typecheck`, which runs next, compiles the generated file. */
const [CONTRACT, TYPES] = ['dist/asyncapi.yaml', 'test/generated-events.ts'] as const;
const CLI = 'node_modules/.bin/nestjs-envelope';

it('writeTypes and the command types write the same file', async () => {
  const app = await NestFactory.createApplicationContext(AppModule, { preview: true, logger: false });
  await writeContract(app, CONTRACT);
  assert.equal(await writeTypes(app, TYPES), true);
  assert.match(await readFile(TYPES, 'utf8'), /export function connectWs\(/);
  await run(CLI, ['types', CONTRACT, '--out', TYPES, '--check']);
  const { stdout } = await run(CLI, ['contract', CONTRACT]);
  assert.match(stdout, /echo .* AppGateway\.echo\n/);
});
