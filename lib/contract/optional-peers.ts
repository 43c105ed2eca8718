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
    import('@nestjs/swagger').catch(unlessMissing),
    import('class-validator').catch(unlessMissing),
    import('class-transformer').catch(unlessMissing),
  ]);
  return { swagger, validator, transformer };
}

function unlessMissing(error: unknown): undefined {
  const code: unknown = Reflect.get(Object(error), 'code');
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return undefined;
  throw error;
}
