import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { AppModule } from '../src/app.module.js';

const run = promisify(execFile);
/** What npx runs. */
const BIN = 'node_modules/.bin/nestjs-envelope';

it('nestjs-envelope, ES modules', async () => {
  const app = await NestFactory.create(AppModule, { logger: false });
  app.useWebSocketAdapter(new EnvelopeAdapter(app));
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/ws`;
  try {
    const { stdout } = await run(BIN, ['ask', url, 'echo', 'hello']);
    assert.equal(stdout, '"hello"\n');
    await assert.rejects(run(BIN, ['ask', url, 'unknown']), {
      code: 1,
      stderr: 'error: no handler takes "unknown"\n',
    });
  } finally {
    await app.close();
  }
});
