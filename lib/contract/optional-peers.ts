import type * as Swagger from '@nestjs/swagger';
import type * as Transformer from 'class-transformer';
import type * as Validator from 'class-validator';

/** The optional packages that describe DTOs. `undefined`: not installed. */
export interface Peers {
  readonly swagger: typeof Swagger | undefined;
  readonly validator: typeof Validator | undefined;
  readonly transformer: typeof Transformer | undefined;
}

/**
 * Loads the installed packages.
 *
 * @throws (rejects) the error of an installed package that fails to load
 */
export async function loadPeers(): Promise<Peers> {
  const [swagger, validator, transformer] = await Promise.all([
    import('@nestjs/swagger').catch(unlessMissing('@nestjs/swagger')),
    import('class-validator').catch(unlessMissing('class-validator')),
    import('class-transformer').catch(unlessMissing('class-transformer')),
  ]);
  return { swagger, validator, transformer };
}

/** Ignores that the package is missing, but not that an installed one lacks a dependency. */
function unlessMissing(name: string): (error: unknown) => undefined {
  return (error) => {
    const { code, message } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    if (isMissing && message.includes(`'${name}'`)) return undefined;
    throw error;
  };
}
