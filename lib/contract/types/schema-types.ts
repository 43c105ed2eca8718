import type { compile as compileType } from 'json-schema-to-typescript';
import type { JsonSchema } from '../asyncapi-types.js';
import { withCode } from '../../protocol/with-code.js';
import { librarySchema, type Refer } from './library-schema.js';
import { docComment, indent } from './source-text.js';

type Compile = typeof compileType;

/** A type as TypeScript: an expression, and the declaration that the expression needs, if any. */
interface SchemaType {
  readonly expression: string;
  readonly declaration?: string;
  /** Whether the library refused the schema. */
  readonly isRefused?: true;
}

/** The library names the type of a schema after an argument. The real name may have letters that it would remove. */
const PLACEHOLDER = 'TheType';
const MADE = new RegExp(`^((?:/\\*\\*[^]*?\\*/\n)?)export (interface|type) ${PLACEHOLDER} ([^]*)$`);
/** A longer type gets a name of its own. */
const MAX_EXPRESSION = 60;

/** Makes TypeScript types of JSON Schemas, with `json-schema-to-typescript`. */
export class SchemaTypes {
  /** The schemas that the library refused, as texts for people. */
  readonly refused: string[] = [];
  private readonly compile: Compile;
  private readonly refer: Refer;

  private constructor(compile: Compile, refer: Refer) {
    this.compile = compile;
    this.refer = refer;
  }

  /**
   * @param caller the function or command that needs the library, for the error
   * @throws (rejects) Error if `json-schema-to-typescript` is not installed; the error of an installed one that fails to load
   */
  static async load(caller: string, refer: Refer): Promise<SchemaTypes> {
    try {
      const { compile } = await import('json-schema-to-typescript');
      return new SchemaTypes(compile, refer);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
      if (!isMissing || !message.includes("'json-schema-to-typescript'")) throw error;
      throw withCode(
        'ERR_ENVELOPE_MISSING_PEER',
        new Error(
          `${caller}: json-schema-to-typescript is not installed: npm install --save-dev json-schema-to-typescript`,
          { cause: error },
        ),
      );
    }
  }

  /**
   * Returns the declaration of a schema's type. If the library refuses the schema, the type is `unknown`, and a comment says so.
   *
   * @param what the schema, for people
   */
  async declare(name: string, schema: JsonSchema, what: string): Promise<string> {
    const made = await this.make(schema, what);
    if (made === undefined)
      return `${docComment(`json-schema-to-typescript cannot compile ${what}.`)}export type ${name} = unknown;\n`;
    return declaration(name, made);
  }

  /** Returns a short type as an expression alone, and another one with a declaration of the name. */
  async express(schema: JsonSchema, what: string, takeName: () => string): Promise<SchemaType> {
    const made = await this.make(schema, what);
    if (made === undefined) return { expression: 'unknown', isRefused: true };
    const [, short] = /^= (.*);\n$/.exec(made.definition) ?? [];
    if (short !== undefined && short.length <= MAX_EXPRESSION) return { expression: short };
    const name = takeName();
    return { expression: name, declaration: declaration(name, made) };
  }

  /** Returns what the library made of a schema; `undefined` if it refuses the schema. */
  private async make(schema: JsonSchema, what: string): Promise<Made | undefined> {
    try {
      const prepared = librarySchema(schema, this.refer);
      if (typeof prepared === 'boolean')
        return { comment: '', kind: 'type', definition: `= ${prepared ? 'unknown' : 'never'};\n` };
      const text = await this.compile(prepared, PLACEHOLDER, {
        bannerComment: '',
        format: false,
        // a list with bounds would be a union of tuples, to which no ordinary list can be assigned
        ignoreMinAndMaxItems: true,
        $refOptions: { resolve: { external: false } },
      });
      // a union with any value
      if (text.trim() === '') return { comment: '', kind: 'type', definition: '= unknown;\n' };
      const [, comment = '', kind, definition] = MADE.exec(indent(text.trim())) ?? [];
      if (kind !== undefined && definition !== undefined) return { comment, kind, definition };
      this.refused.push(`${what}: its text is not that of one type`);
    } catch (error) {
      const { message } = error as Error;
      this.refused.push(message === '' ? what : `${what}: ${message}`);
    }
    return undefined;
  }
}

/** A declaration without its name. */
interface Made {
  readonly comment: string;
  readonly kind: string;
  readonly definition: string;
}

function declaration(name: string, { comment, kind, definition }: Made): string {
  return `${comment}export ${kind} ${name} ${definition}`.replaceAll(
    `\`${PLACEHOLDER}\``,
    () => `\`${name}\``,
  );
}
