/** What the page of msgpack.spec.ts imports, in one bundle. */
export { connect } from '../../lib/client/index.js';
export { messagePack } from '../../lib/client/msgpack.js';
