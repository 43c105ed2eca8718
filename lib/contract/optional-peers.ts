import type * as Swagger from '@nestjs/swagger';
import type * as Transformer from 'class-transformer';
import type * as Validator from 'class-validator';

/** What describes DTOs, as far as the application has it. */
export interface Peers {
  readonly swagger: typeof Swagger | undefined;
  readonly validator: typeof Validator | undefined;
  readonly transformer: typeof Transformer | undefined;
}

/** Loads what is installed. @throws whatever a package that is there throws when it is loaded */
export async function loadPeers(): Promise<Peers> {
  const [swagger, validator, transformer] = await Promise.all([
    import('@nestjs/swagger').catch(unlessMissing('@nestjs/swagger')),
    import('class-validator').catch(unlessMissing('class-validator')),
    import('class-transformer').catch(unlessMissing('class-transformer')),
  ]);
  return { swagger, validator, transformer };
}

/** A package that is there and lacks one of its own is no package that is missing. */
function unlessMissing(name: string): (error: unknown) => undefined {
  return (error) => {
    const { code, message } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    if (isMissing && message.includes(`'${name}'`)) return undefined;
    throw error;
  };
}
