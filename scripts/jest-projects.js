import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');

const swc = (module, tsx = false) => [
  '@swc/jest',
  {
    jsc: {
      parser: { syntax: 'typescript', decorators: true, tsx },
      transform: { legacyDecorator: true, decoratorMetadata: true, react: { runtime: 'automatic' } },
      target: 'es2022',
      keepClassNames: true,
    },
    module: { type: module },
  },
];

const common = {
  rootDir: ROOT,
  // Keeps Jest's package map free of the workspaces' and the consumers' package.json names.
  modulePathIgnorePatterns: [
    '<rootDir>/dist/',
    '<rootDir>/test/consumers/',
    '<rootDir>/test/[^/]+/projects/',
    '<rootDir>/sample/',
  ],
  testEnvironment: '<rootDir>/scripts/jest-environment.js',
  setupFiles: ['reflect-metadata'],
};

// Sources import './x.js'; the file on disk is './x.ts'.
const sources = {
  '^(\\.{1,2}/.*)\\.js$': '$1',
  // As samples and documents import it.
  '^nestjs-envelope$': '<rootDir>/lib/index.ts',
  '^nestjs-envelope/client$': '<rootDir>/lib/client/node.ts',
  '^nestjs-envelope/client/(history|http|indexed-db|msgpack|presence|reliable)$':
    '<rootDir>/lib/client/$1.ts',
  '^nestjs-envelope/socket\\.io$': '<rootDir>/lib/socketio/index.ts',
  '^nestjs-envelope/([\\w-]+)$': '<rootDir>/lib/$1/index.ts',
};

/** Nest 12 is loaded as ES modules, Nest 11 as CommonJS. */
export const NEST = {
  12: {
    ...common,
    extensionsToTreatAsEsm: ['.ts', '.tsx'],
    transform: { '\\.ts$': swc('es6'), '\\.tsx$': swc('es6', true) },
    moduleNameMapper: {
      ...sources,
      // CommonJS that requires the ES modules of Nest 12: Node can, Jest cannot before Node 24.
      '^@nestjs/throttler$': '<rootDir>/test/support/throttler.ts',
    },
  },
  11: {
    ...common,
    transform: { '\\.ts$': swc('commonjs'), '\\.tsx$': swc('commonjs', true) },
    moduleNameMapper: {
      ...sources,
      // Everything else (rxjs, reflect-metadata, ...) is the one copy at the root.
      '^@nestjs/(.*)$': [
        '<rootDir>/test/nest-11/node_modules/@nestjs/$1',
        // one version for both majors
        '<rootDir>/node_modules/@nestjs/$1',
      ],
    },
  },
};
