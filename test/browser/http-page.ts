/** What the page of http.spec.ts imports, in one bundle. */
export { connect } from '../../lib/client/index.js';
export { http } from '../../lib/client/http.js';
