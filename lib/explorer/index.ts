export { EnvelopeExplorer, type ExplorerOptions } from './envelope-explorer.js';
