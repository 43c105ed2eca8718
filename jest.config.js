import { readdirSync } from 'node:fs';
import { join } from 'node:path';

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
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  // The consumers are projects of their own, run by .ci/run from copies elsewhere.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/consumers/'],
  // Keeps Jest's package map free of the workspaces' and the consumers' package.json names.
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/test/consumers/', '<rootDir>/sample/'],
  testEnvironment: '<rootDir>/scripts/jest-environment.js',
  setupFiles: ['reflect-metadata'],
};

// Sources name each other './x.js'; the file on disk is './x.ts'.
const sources = {
  '^(\\.{1,2}/.*)\\.js$': '$1',
  // As the sample imports it.
  '^nestjs-envelope$': '<rootDir>/lib/index.ts',
  '^nestjs-envelope/(contract|explorer|microservices|opentelemetry|terminus)$': '<rootDir>/lib/$1/index.ts',
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

const project = (base, major, platform, { specs, ...only } = {}) => ({
  ...base,
  displayName: `nest-${major}-${platform}`,
  globals: { NEST_MAJOR: major, HTTP_PLATFORM: platform, SPECS: specs },
  ...only,
});

const TOGETHER = '<rootDir>/test/together/';
const IS_FULL = process.env.MATRIX === 'full';

// Chromium runs against the samples as they are shipped, which are Nest 12 apps on Express: once is enough.
const withoutBrowser = ['<rootDir>/test/browser/', '<rootDir>/test/e2e/sample-'];

/**
 * Every spec runs on both HTTP platforms and both majors of Nest: on two corners of the matrix in full, and on the two
 * others where platform and major could matter together: on the way from the HTTP server to a path. `MATRIX=full` runs all
 * on all four, each spec file alone.
 */
const crossed = IS_FULL
  ? {}
  : {
      testMatch: [
        '<rootDir>/test/majors.spec.ts',
        '<rootDir>/test/e2e/nest/{mounting,neighbours}*.spec.ts',
        '<rootDir>/test/security/{origin,upgrade-checks,upgrade-malformed}*.spec.ts',
      ],
    };

// What crosses nodes is the brokers' affair, and neither the client, nor a part alone, nor the order of frames knows Nest: on
// the second corner two brokers' conformance.
const notOfNest = [
  '<rootDir>/test/client/',
  '<rootDir>/test/fuzz/',
  '<rootDir>/test/unit/',
  '<rootDir>/test/soak/',
  '<rootDir>/test/e2e/interleaving',
  '<rootDir>/test/cluster/[\\w-]+\\.spec',
  '<rootDir>/test/cluster/faults/',
  '<rootDir>/test/cluster/conformance/(?!(classic|streams)-redis\\.)',
];

const ignoring = (...more) => ({ testPathIgnorePatterns: [...common.testPathIgnorePatterns, ...more] });

/**
 * Many spec files in one of Jest's: to load Nest anew for each takes longer than most of them do. Half the processor's time
 * for that corner (110 s less of 230), where each of them has run alone on the other one.
 */
function together(...ignored) {
  const root = import.meta.dirname;
  const patterns = [...common.testPathIgnorePatterns, ...ignored].map(
    (pattern) => new RegExp(pattern.replace('<rootDir>', root)),
  );
  const specs = readdirSync(join(root, 'test'), { recursive: true })
    .map((file) => join(root, 'test', file))
    .filter((file) => file.endsWith('.spec.ts') && !patterns.some((pattern) => pattern.test(file)))
    .sort();
  return { testMatch: ['<rootDir>/test/together/*.spec.ts'], specs };
}

/** As ES modules on Nest 12, as CommonJS on Nest 11. */
export default {
  testTimeout: 15_000,
  maxWorkers: 2,
  // Node frees no ES module of a spec file that is through: a worker grows by some 10 MB with each, until it does little else
  // than to collect garbage.
  workerIdleMemoryLimit: '400MB',
  projects: [
    project(nest12, 12, 'express', ignoring(TOGETHER)),
    project(nest12, 12, 'fastify', { ...ignoring(TOGETHER, ...withoutBrowser), ...crossed }),
    project(nest11, 11, 'express', { ...ignoring(TOGETHER, ...withoutBrowser), ...crossed }),
    project(
      nest11,
      11,
      'fastify',
      IS_FULL ? ignoring(TOGETHER, ...withoutBrowser) : together(TOGETHER, ...withoutBrowser, ...notOfNest),
    ),
  ],
};
