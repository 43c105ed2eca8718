import { join } from 'node:path';
import { specsBelow, together } from './scripts/together.js';

const swc = (module) => [
  '@swc/jest',
  {
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2022',
      keepClassNames: true,
    },
    module: { type: module },
  },
];

const common = {
  rootDir: import.meta.dirname,
  // Keeps Jest's package map free of the workspaces' and the consumers' package.json names.
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/test/consumers/', '<rootDir>/sample/'],
  testEnvironment: '<rootDir>/scripts/jest-environment.js',
  setupFiles: ['reflect-metadata'],
};

// Sources name each other './x.js'; the file on disk is './x.ts'.
const sources = {
  '^(\\.{1,2}/.*)\\.js$': '$1',
  // As samples and documents import it.
  '^nestjs-envelope$': '<rootDir>/lib/index.ts',
  '^nestjs-envelope/client$': '<rootDir>/lib/client/node.ts',
  '^nestjs-envelope/(\\w+)$': '<rootDir>/lib/$1/index.ts',
};

const nest12 = {
  ...common,
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': swc('es6') },
  moduleNameMapper: {
    ...sources,
    // CommonJS that requires the ES modules of Nest 12: Node does it, Jest not before Node 24.
    '^@nestjs/throttler$': '<rootDir>/test/support/throttler.ts',
  },
};

const nest11 = {
  ...common,
  transform: { '\\.ts$': swc('commonjs') },
  moduleNameMapper: {
    ...sources,
    // Everything else (rxjs, reflect-metadata, ...) is the one copy at the root.
    '^@nestjs/(.*)$': [
      '<rootDir>/test/nest-11/node_modules/@nestjs/$1',
      // one version for both majors
      '<rootDir>/node_modules/@nestjs/$1',
    ],
  },
};

const project = (base, major, platform, only) => ({
  ...base,
  displayName: `nest-${major}-${platform}`,
  globals: { NEST_MAJOR: major, HTTP_PLATFORM: platform },
  ...only,
});

// They take the clock, the process or the machine for their own.
const ALONE =
  /^(browser|cluster|fuzz|opentelemetry|presence|recovery|samples|setup|soak)\/|^client\/backoff|^documentation\/(protocol|security)|^limits\/(defaults|token-bucket)|^logging\/log-sampler|^namespace\/middleware|^protocol\/(close-codes|codec|json)|^rooms\/broadcast-ack|^transport\/(frame|outbox-pending-offsets)\.|^upgrade\/path-pattern|^auth\/connection-expiry/;
// Chromium runs against the samples as they are shipped, which are Nest 12 apps on Express, and who goes through faults of a
// cluster knows neither major nor platform, and takes its time: on the first corner alone.
const ONCE = /^(browser|cluster\/faults|samples)\/|^documentation\/types|^conformance\/mutants/;
// What crosses nodes is the brokers' affair, and neither the client, nor a part alone, nor the order of frames knows Nest: on
// the second corner two brokers' conformance.
const NOT_OF_NEST =
  /^(client|fuzz|presence|recovery|soak)\/|^transport\/frame-order|^setup\/(?:brokers|check-commits)|^documentation\/errors|^cluster\/(?!adapters\/(classic|streams)-redis\.)/;
// From the HTTP server to a path.
const CROSSED = /^setup\/nest-versions|^nest\/(mounting|other-servers)|^upgrade\/(origin|checks|malformed)/;

const isFull = process.env.MATRIX === 'full';
const TEST = join(import.meta.dirname, 'test');
const all = specsBelow(TEST);
/** One spec file, or some, are wanted, each for itself: `npm test -- test/protocol/wire.spec.ts`, `npm test -- wire`. */
const isNamed = process.argv
  .slice(2)
  .some((name) => /\btest\//.test(name) || (/^\w{3}/.test(name) && all.some((spec) => spec.includes(name))));

/**
 * Every spec runs on both HTTP platforms and both majors of Nest: on two corners of the matrix in full, and on the two
 * others where platform and major could matter together. `MATRIX=full` runs all on all four, each spec file alone.
 */
function corner(base, major, platform, isMeant) {
  const isFirst = isMeant === undefined;
  const specs = all.filter((spec) => isFirst || (!ONCE.test(spec) && (isFull || isMeant(spec))));
  const match = (paths) => ({ testMatch: paths.map((path) => `<rootDir>/test/${path}`) });
  if (isFull || isNamed) return project(base, major, platform, match(specs));
  const folder = `.together/${major}-${platform}`;
  const [alone, others] = [true, false].map((is) => specs.filter((spec) => ALONE.test(spec) === is));
  together(TEST, folder, others, base === nest12);
  return project(base, major, platform, match([`${folder}/*.spec.?js`, ...alone]));
}

/** As ES modules on Nest 12, as CommonJS on Nest 11. */
export default {
  testTimeout: 15_000,
  maxWorkers: 2,
  // Node frees no ES module of a spec file that is through: a worker grows by some 10 MB with each, until it does little else
  // than to collect garbage.
  workerIdleMemoryLimit: '400MB',
  projects: [
    corner(nest12, 12, 'express'),
    corner(nest12, 12, 'fastify', (spec) => CROSSED.test(spec)),
    corner(nest11, 11, 'express', (spec) => CROSSED.test(spec)),
    corner(nest11, 11, 'fastify', (spec) => !NOT_OF_NEST.test(spec)),
  ],
};
