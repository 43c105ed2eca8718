import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The part of an error of class-validator that is read. */
export interface DtoError {
  readonly property: string;
  readonly constraints?: Readonly<Record<string, string>>;
  readonly children?: readonly DtoError[];
}

/** What validates DTO classes: class-validator, and class-transformer for nested ones. */
export interface DtoValidators {
  readonly validate: (instance: object, options: object) => readonly DtoError[];
  /** Makes an instance of a class from plain data; `undefined`: class-transformer is not installed. */
  readonly toInstance: ((type: Function, plain: object) => object) | undefined;
}

/**
 * Loads the validators of DTO classes, as the application would.
 *
 * @returns `undefined` if class-validator is not installed
 * @throws the error of an installed package that fails to load
 */
export function loadDtoValidators(): DtoValidators | undefined {
  const validator = load('class-validator') as { validateSync: DtoValidators['validate'] } | undefined;
  const transformer = load('class-transformer') as
    { plainToInstance: NonNullable<DtoValidators['toInstance']> } | undefined;
  return validator && { validate: validator.validateSync, toInstance: transformer?.plainToInstance };
}

/** Loads a package at once: `emit` cannot wait for an `import()`. Looks beside the started script, then in the working directory. */
function load(name: string): unknown {
  for (const file of [process.argv[1], join(process.cwd(), 'package.json')]) {
    if (file === undefined) continue;
    const require = createRequire(join(file));
    let found: string;
    try {
      found = require.resolve(name);
    } catch {
      continue;
    }
    return require(found);
  }
  return undefined;
}
