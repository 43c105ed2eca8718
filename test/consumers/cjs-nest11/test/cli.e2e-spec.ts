import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Test } from '@nestjs/testing';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { AppModule } from './../src/app.module';

const run = promisify(execFile);
/** What npx runs. */
const BIN = 'node_modules/.bin/nestjs-envelope';

it('nestjs-envelope, CommonJS', async () => {
  const moduleFixture = await Test.createTestingModule({ imports: [AppModule] }).compile();
  const app = moduleFixture.createNestApplication();
  app.useWebSocketAdapter(new EnvelopeAdapter(app));
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/ws`;
  try {
    const { stdout } = await run(BIN, ['ask', url, 'echo', 'hello']);
    expect(stdout).toBe('"hello"\n');
    await expect(run(BIN, ['ask', url, 'unknown'])).rejects.toMatchObject({
      code: 1,
      stderr: 'error: no handler takes "unknown"\n',
    });
  } finally {
    await app.close();
  }
}, 15_000);
