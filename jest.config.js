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

const project = (base, major, platform, only = {}) => ({
  ...base,
  displayName: `nest-${major}-${platform}`,
  globals: { NEST_MAJOR: major, HTTP_PLATFORM: platform },
  ...only,
});

// Chromium runs against the sample as it is shipped, which is a Nest 12 app on Express: once is enough.
const withoutBrowser = {
  testPathIgnorePatterns: [...common.testPathIgnorePatterns, '<rootDir>/test/browser/'],
};

/**
 * The same spec files run on both HTTP platforms and both majors of Nest: as ES modules on 12, as CommonJS on 11.
 */
export default {
  testTimeout: 15_000,
  maxWorkers: 2,
  projects: [
    project(nest12, 12, 'express'),
    project(nest12, 12, 'fastify', withoutBrowser),
    project(nest11, 11, 'express', withoutBrowser),
    project(nest11, 11, 'fastify', withoutBrowser),
  ],
};
