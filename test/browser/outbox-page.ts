/** What the page of indexed-db.spec.ts imports, in one bundle. */
export { connect } from '../../lib/client/index.js';
export { indexedDbOutbox } from '../../lib/client/indexed-db.js';
export { reliable } from '../../lib/client/reliable.js';
