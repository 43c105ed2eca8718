/**
 * The matrix has four corners: Nest 12 and 11, each on Express and Fastify. Jest has one project per corner.
 * This table says on which of them a spec runs.
 */

/** Runs on the first corner only, also with `MATRIX=full`. */
const ONCE = 'once';
/** Runs on the first corner: no code that it tests depends on Nest's major or on the HTTP platform. */
const FIRST = 'first';
/** Runs on two opposite corners, so that it sees both majors and both platforms. */
const TWO = 'two';
/** Runs on all four corners: major and platform could matter together. */
const FOUR = 'four';

/** Where the paths of spec files begin, below `test/`. The first row that matches counts; all others run on two corners. */
const CORNERS = [
  ['browser/', ONCE], // Chromium against the samples, which are Nest 12 on Express
  ['cluster/faults/', ONCE], // brokers and processes that fail, with long waits
  ['conformance/mutants', ONCE],
  ['conformance/reference', ONCE],
  ['conformance/rules', ONCE],
  ['contract/schema-', ONCE], // Jest cannot load arktype and typebox as CommonJS, as Nest 11 is
  ['contract/types-', ONCE], // compilers and samples
  ['delivery/', ONCE], // Redis and processes that fail, with long waits
  ['documentation/capacity', ONCE],
  ['documentation/client-size', ONCE],
  ['documentation/comparison', ONCE],
  ['documentation/links', ONCE],
  ['documentation/options', ONCE],
  ['documentation/troubleshooting', ONCE],
  ['documentation/types', ONCE],
  ['operations/mixed', ONCE], // processes and Redis
  ['explorer/message-pack', ONCE], // of the page in the browser
  ['samples/', ONCE],
  ['soak/cluster', ONCE],

  ['console/access', TWO],
  ['console/scoped', TWO],
  ['console/', FIRST],

  ['cluster/adapters/classic-redis', TWO],
  ['cluster/adapters/streams-redis', TWO],
  ['cluster/', FIRST],
  ['cli/', FIRST],
  ['codemod/result', TWO],
  ['codemod/', FIRST],
  ['client/', FIRST],
  ['compression/', FIRST],
  ['deploy/mistakes', TWO],
  ['deploy/', FIRST],
  ['fuzz/', FIRST],
  ['history/', FIRST],
  ['http-streaming/conformance', FIRST],
  ['http-streaming/held', FIRST],
  ['http-streaming/keys', FIRST],
  ['http-streaming/limits', FIRST],
  ['msgpack/cluster', FIRST],
  ['msgpack/scan', FIRST],
  ['operations/', FIRST],
  ['presence/', FIRST],
  ['protocol/vectors', FIRST],
  ['react/', FIRST],
  ['recovery/', FIRST],
  ['documentation/errors', FIRST],
  ['setup/brokers', FIRST],
  ['setup/check-commits', FIRST],
  ['setup/comments', FIRST],
  ['setup/dependencies', FIRST],
  ['soak/', FIRST],
  ['socketio-clients/browser', FIRST],
  ['socketio-clients/network', FIRST],
  ['socketio-clients/packet', FIRST],
  ['socketio-clients/proxy', FIRST],
  ['socketio-clients/python', FIRST],
  ['rooms/memory-adapter', FIRST],
  ['transport/answer-close', FIRST],
  ['transport/frame-order', FIRST],
  ['transport/on-demand', FIRST],
  ['transport/outbox', FIRST],

  ['nest/mounting', FOUR],
  ['nest/other-servers', FOUR],
  ['setup/nest-versions', FOUR],
  ['upgrade/checks', FOUR],
  ['upgrade/malformed', FOUR],
  ['upgrade/origin', FOUR],
];

/**
 * These are not bundled with the other spec files of their folder: they measure memory or processor time, replace the clock,
 * or have hooks at the top level of the file that the others must not run.
 */
const ALONE = [
  'api/',
  'auth/connection-expiry',
  'browser/',
  'client/http-fallback',
  'client/liveness',
  'client/reconnect-storm',
  'client/renewal',
  'cluster/',
  'console/clock',
  'console/cluster',
  'delivery/',
  'deploy/cluster',
  'deploy/compose',
  'deploy/drain',
  'fuzz/',
  'limits/clock',
  'once/',
  'operations/mixed',
  'opentelemetry/',
  'presence/',
  'recovery/',
  'samples/',
  'setup/',
  'soak/',
  'socketio-clients/attack',
  'socketio-clients/browser',
  'socketio-clients/network',
  'socketio-clients/proxy',
  'socketio-clients/python',
  'socketio-clients/transports',
];

/** The folders of `npm run test:quick`: the core, without brokers, browsers and long waits. */
const QUICK = ['guards/', 'messages/', 'nest/', 'protocol/', 'rooms/', 'socketio/', 'upgrade/'];

const startsWithAny = (spec, prefixes) => prefixes.some((prefix) => spec.startsWith(prefix));

/**
 * @param {string} spec a path below `test/`
 * @param {0 | 1 | 2 | 3} corner the index of a project in jest.config.js; 0 and 3 are the two opposite corners
 */
export function runsOn(spec, corner, isFullMatrix) {
  const [, corners] = CORNERS.find(([prefix]) => spec.startsWith(prefix)) ?? ['', TWO];
  if (corner === 0) return true;
  if (corners === ONCE) return false;
  if (isFullMatrix) return true;
  return corners === FOUR || (corners === TWO && corner === 3);
}

export const runsAlone = (spec) => startsWithAny(spec, ALONE);
export const isQuick = (spec) => startsWithAny(spec, QUICK);
