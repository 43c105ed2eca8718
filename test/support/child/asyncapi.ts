import { createRequire } from 'node:module';
import { Parser } from '@asyncapi/parser';
import type { Ajv } from 'ajv';
import { serveCommands } from './program.js';

const require = createRequire(createRequire(import.meta.url).resolve('@asyncapi/parser'));
const { default: Validator } = require('ajv') as { default: typeof Ajv };
const { default: addFormats } = require('ajv-formats') as { default: (ajv: Ajv) => void };

// Jest's module registry does not take the parser's dependencies.
serveCommands({
  /** What AsyncAPI's own parser has against a document, warnings included, and the ids of the operations that it read. */
  async parse(text: string) {
    const { document, diagnostics } = await new Parser().parse(text);
    return {
      complaints: diagnostics
        .filter(({ severity, code }) => severity < 2 || code === 'invalid-ref')
        .map(({ code, message, path }) => `${code} ${path.join('/')}: ${message}`),
      operations: document
        ?.operations()
        .all()
        .map((operation) => ({
          id: operation.id(),
          messages: operation
            .messages()
            .all()
            .map((message) => message.name()),
          replies: operation
            .reply()
            ?.messages()
            .all()
            .map((message) => message.name()),
        })),
    };
  },
  /** What a schema of a document has against a value. */
  validate(document: { components: object }, schema: object, value: unknown) {
    const ajv = new Validator({ strict: false, allErrors: true });
    addFormats(ajv);
    const validate = ajv.compile({ ...schema, components: document.components });
    return validate(value)
      ? []
      : validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`);
  },
});

// a parser at work has nothing else that keeps the process alive
process.channel!.ref();
