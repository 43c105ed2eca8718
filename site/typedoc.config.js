// The API reference: Markdown pages in docs/api, made of the doc comments of every entry of the package.
import { readFileSync } from 'node:fs';

const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The declarations of each entry. */
const entries = Object.entries(exports).flatMap(([path, target]) => {
  const types = target.import?.types ?? target.node?.import?.types ?? target.types;
  return types === undefined ? [] : [`../${types.replace(/^\.\//, '')}`];
});

/** @type {Partial<import('typedoc').TypeDocOptions & import('typedoc-plugin-markdown').PluginOptions>} */
export default {
  plugin: ['typedoc-plugin-markdown', './entries.js'],
  entryPoints: [...new Set(entries)],
  tsconfig: 'tsconfig.json',
  out: '../docs/api',
  readme: 'none',
  name: 'API reference',
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  hidePageHeader: true,
  indexFormat: 'table',
  disableSources: true,
  useCodeBlocks: true,
  skipErrorChecking: true,
  parametersFormat: 'table',
};
