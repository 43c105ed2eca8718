import { adapterCalls, findApplication, type Obstacle } from '../../codemod/bootstrap.js';
import type { Compiler } from '../../codemod/compiler.js';
import { addImport } from '../../codemod/imports.js';
import { Source } from '../../codemod/source.js';
import { applyEdits } from '../../codemod/text-edits.js';

/** What to write by hand where the schematic cannot. */
export const ADAPTER_CALL = 'app.useWebSocketAdapter(new EnvelopeAdapter(app));';

/** The options in the new call. All of them are comments: the defaults are safe. */
const COMMENTED_OPTIONS = [
  "// cors: { origin: 'https://app.example' }, // other sites whose pages may connect; default: none",
  "// path: '/ws', // for gateways that name no path; default: '/'",
  '// recovery: true, // clients get the messages that they missed while they were disconnected',
  "// trustProxy: 'loopback', // the proxy in front of the server, for the addresses of clients",
];

/**
 * Adds the import of `EnvelopeAdapter` and the call of `useWebSocketAdapter` to the text of a `main.ts`.
 *
 * @returns the new text; `'present'` if the file has the adapter; or why the file cannot be changed
 */
export function addAdapter(
  ts: Compiler,
  path: string,
  text: string,
): { text: string } | 'present' | Obstacle {
  if (/\bEnvelopeAdapter\b/.test(text)) return 'present';
  const source = new Source(ts, path, text);
  if (!source.isValid) return { line: 1, reason: 'it has syntax errors' };
  const [existing] = adapterCalls(source);
  if (existing !== undefined)
    return {
      line: source.lineOf(existing.getStart(source.tree)),
      reason:
        `it has ${source.textOf(existing)} already. Replace it by the call below; ` +
        'for an application with Socket.IO or WsAdapter, "npx nestjs-envelope migrate" does that',
    };
  const application = findApplication(source);
  if ('reason' in application) return application;
  const { variable, statement } = application;
  const { lineEnd, indent, semicolon } = source.style;
  const margin = source.indentationAt(statement.getStart(source.tree));
  const lines = [
    `${variable}.useWebSocketAdapter(`,
    `${indent}new EnvelopeAdapter(${variable}, {`,
    ...COMMENTED_OPTIONS.map((option) => indent + indent + option),
    `${indent}}),`,
    `)${semicolon}`,
  ];
  const call = lines.map((line) => lineEnd + margin + line).join('');
  return {
    text: applyEdits(text, [
      addImport(source, 'nestjs-envelope', ['EnvelopeAdapter']),
      { start: statement.end, end: statement.end, text: call },
    ]),
  };
}
