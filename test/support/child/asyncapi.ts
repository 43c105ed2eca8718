import { createRequire } from 'node:module';
import { Parser } from '@asyncapi/parser';
import type { Ajv } from 'ajv';
import { serveCommands } from './program.js';

const require = createRequire(createRequire(import.meta.url).resolve('@asyncapi/parser'));
const { default: Validator } = require('ajv') as { default: typeof Ajv };
const { default: addFormats } = require('ajv-formats') as { default: (ajv: Ajv) => void };

// In a child process, because Jest's module registry cannot load the parser's dependencies.
serveCommands({
  /** Returns the errors and warnings of AsyncAPI's parser for a document, and the operations that it read. */
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
  /** Returns the errors of a value for a schema of a document. */
  validate(document: { components: object }, schema: object, value: unknown) {
    const ajv = new Validator({ strict: false, allErrors: true });
    addFormats(ajv);
    const validate = ajv.compile({ ...schema, components: document.components });
    return validate(value)
      ? []
      : validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`);
  },
});

// keeps the process alive while the parser works
process.channel!.ref();
