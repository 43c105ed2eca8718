import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { contractToTypes, createContract } from '../../lib/contract/index.js';
import { startApp } from '../support/app.js';
import { Child } from '../support/child.js';
import { expectGolden } from '../support/golden.js';
import { SchemaGateway } from './schema-gateways.js';

const ROOT = process.cwd();
const GOLDEN = join(ROOT, 'test/contract/golden');
const ofTools = createRequire(createRequire(join(ROOT, 'package.json')).resolve('@arethetypeswrong/core'));

describe('the types of the samples', () => {
  let child: Child;
  beforeAll(async () => {
    child = await Child.start('sample-contract', { isShared: true });
  });

  it.each([
    // its path comes from a factory, which preview does not call
    ['01-chat', { path: '/ws' }],
    ['02-auth', {}],
    ['03-cluster', {}],
    ['05-observed', {}],
  ])('are those of the golden file: %s', async (sample, options) => {
    await expectGolden(`${sample}.ts`, (await child.ask('types', sample, options)) as string);
  });
});

describe('the types of schemas of zod, valibot, arktype and typebox', () => {
  it('are those of the golden file', async () => {
    const app = await startApp({ providers: [SchemaGateway] });
    const contract = await createContract(app.nest, { title: 'Schemas', version: '1.0.0' });
    await expectGolden('schemas.ts', await contractToTypes(contract));
  });
});

describe('the golden files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'types-'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  });
  afterAll(() => rm(folder, { recursive: true }));

  const compilers = {
    5: ofTools.resolve('typescript/bin/tsc'),
    7: join(ROOT, 'node_modules/typescript/bin/tsc'),
  };

  it.each([5, 7] as const)('compile with TypeScript %i, with every strict option', async (major) => {
    const config = {
      compilerOptions: {
        target: 'es2022',
        module: 'esnext',
        moduleResolution: 'bundler',
        lib: ['es2022', 'dom', 'dom.iterable'],
        types: [],
        noEmit: true,
        skipLibCheck: true,
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        noPropertyAccessFromIndexSignature: true,
        noUnusedLocals: true,
        noUnusedParameters: true,
        noImplicitReturns: true,
        isolatedModules: true,
        verbatimModuleSyntax: true,
        paths: { 'nestjs-envelope/client': [join(folder, 'client.d.ts')] },
      },
      files: (await readdir(GOLDEN)).map((file) => join(GOLDEN, file)),
    };
    // not the sources of the client, which these options do not concern
    await writeFile(
      join(folder, 'client.d.ts'),
      `export { connect } from '${join(ROOT, 'lib/client/index.js')}';\nexport type { ClientOptions, ClientSocket } from '${join(ROOT, 'lib/client/index.js')}';\n`,
    );
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const output = await run(compilers[major], '--version');
    expect(output).toContain(`Version ${major}.`);
    expect(await run(compilers[major], '-p', join(folder, 'tsconfig.json'), '--pretty', 'false')).toBe('');
  });
});

function run(...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}
