import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const MAIN = `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(3000);
}
bootstrap();
`;

it('npx nestjs-envelope migrate, with the typescript of the project', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'codemod-'));
  try {
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{ "dependencies": { "@nestjs/core": "^11.0.0" } }');
    const gateway = join(folder, 'chat.gateway.ts');
    writeFileSync(
      gateway,
      "import { Socket } from 'socket.io';\n\nexport const id = (client: Socket) => client.id;\n",
    );
    await run(resolve('node_modules/.bin/nestjs-envelope'), ['migrate', '--write'], { cwd: folder });
    expect(readFileSync(gateway, 'utf8')).toBe(
      "import { EnvelopeSocket } from 'nestjs-envelope';\n\nexport const id = (client: EnvelopeSocket) => client.id;\n",
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);

// as the Nest CLI finds and loads it
it('nest add nestjs-envelope', () => {
  interface Manifest {
    schematics: string;
  }
  interface Collection {
    schematics: Record<string, { factory: string; schema: string }>;
  }
  const manifest = require.resolve('nestjs-envelope/package.json');
  const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
  const collection = join(dirname(manifest), (read(manifest) as Manifest).schematics);
  const { factory, schema } = (read(collection) as Collection).schematics['nest-add'];
  expect(read(join(dirname(collection), schema))).toMatchObject({ type: 'object' });
  const [path, name] = factory.split('#');
  const { [name]: nestAdd } = jest.requireActual(join(dirname(collection), path));
  const files = new Map([
    ['package.json', '{ "dependencies": { "@nestjs/core": "^11.0.0", "nestjs-envelope": "^0.1.0" } }'],
    ['src/main.ts', MAIN],
  ]);
  const folder = { subdirs: [], subfiles: [], dir: () => folder };
  const tree = {
    read: (file: string) => (files.has(file) ? Buffer.from(files.get(file)!) : null),
    exists: (file: string) => files.has(file),
    overwrite: (file: string, text: string) => files.set(file, text),
    getDir: () => folder,
  };
  nestAdd({})(tree, { logger: { info: jest.fn(), warn: jest.fn() }, addTask: jest.fn() });
  expect(JSON.parse(files.get('package.json')!)).toMatchObject({
    dependencies: { '@nestjs/websockets': '^11.0.0', '@nestjs/platform-ws': '^11.0.0' },
  });
  expect(files.get('src/main.ts')).toContain('  app.useWebSocketAdapter(\n    new EnvelopeAdapter(app, {\n');
});
