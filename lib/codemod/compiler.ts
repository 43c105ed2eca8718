import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import type { ts } from 'ts-morph';
import { withCode } from '../protocol/with-code.js';

/** TypeScript's compiler API, as the versions 5 and 6 of `typescript` export it. Version 7 has none. */
export type Compiler = typeof ts;

/** Where a compiler API can be found: the module that requires it, the package, and how to get the API out of it. */
type Candidate = readonly [from: string, module: string, read: (module: never) => Compiler | undefined];

/**
 * Loads a compiler API. The project's own `typescript` comes first, then that of its `@nestjs/cli`, then that of the
 * running command, and last the one inside `ts-morph`.
 *
 * @param root the folder of the project's `package.json`
 * @throws Error if none of them is installed; the message has the install command
 */
export function loadCompiler(root: string): Compiler {
  for (const [from, name, read] of candidates(root)) {
    const compiler = read(requireFrom(from, name) as never);
    if (typeof compiler?.createSourceFile === 'function') return compiler;
  }
  throw withCode(
    'ERR_ENVELOPE_MISSING_PEER',
    new Error(
      `nestjs-envelope: no compiler API to read TypeScript with in ${root}. TypeScript 7 exports none. Run: ` +
        'npm install --save-dev ts-morph',
    ),
  );
}

function* candidates(root: string): Generator<Candidate> {
  const project = join(root, 'package.json');
  const self = (module: Compiler | undefined): Compiler | undefined => module;
  yield [project, 'typescript', self];
  const cli = resolveFrom(project, '@nestjs/cli/package.json');
  if (cli !== undefined) yield [cli, 'typescript', self];
  const [, command] = process.argv;
  if (command !== undefined) yield [command, 'typescript', self];
  yield [project, 'ts-morph', (module: { ts: Compiler } | undefined) => module?.ts];
}

function resolveFrom(from: string, name: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return undefined;
  }
}

/** Returns `undefined` for a package that is missing or cannot be loaded: the next candidate may do. */
function requireFrom(from: string, name: string): unknown {
  try {
    return createRequire(from)(name);
  } catch {
    return undefined;
  }
}
