export { EnvelopeExplorer, type ExplorerOptions } from './envelope-explorer.js';
export type { AdminOptions } from './admin/admin-options.js';
