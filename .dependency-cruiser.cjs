/** The order of the rooms in lib/, checked by `npm run lint`. */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'No import cycles, of types neither',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'only-real-dependencies',
      comment: 'The published code may use only what package.json has as a dependency or a peer',
      severity: 'error',
      from: {},
      to: { path: 'node_modules/', dependencyTypesNot: ['npm', 'npm-peer'] },
    },
    {
      name: 'protocol-stands-alone',
      comment: 'lib/protocol imports nothing, not even node:, so that it can run anywhere',
      severity: 'error',
      from: { path: '^lib/protocol/' },
      to: { pathNot: '^lib/protocol/' },
    },
    {
      name: 'ws-stands-alone',
      comment: 'What both the server and the client need to use ws',
      severity: 'error',
      from: { path: '^lib/ws/' },
      to: { pathNot: ['^lib/ws/', '(^|/)(ws|@types/ws)/', '^(node:)?stream$'] },
    },
    {
      name: 'server-knows-no-nest',
      comment: 'lib/server is the server without Nest, and knows none of the rooms built on it',
      severity: 'error',
      from: { path: '^lib/server/' },
      to: { path: ['(^|/)@nestjs/', '^lib/(gateway|upgrade|cluster|recovery)/', '^lib/[^/]+$'] },
    },
    {
      name: 'client-runs-anywhere',
      comment:
        'lib/client stands on lib/protocol alone; its entry for Node adds ws, and nothing imports that',
      severity: 'error',
      from: { path: '^lib/client/', pathNot: '^lib/client/node' },
      to: { pathNot: '^lib/(client|protocol)/' },
    },
    {
      name: 'server-knows-no-client',
      severity: 'error',
      from: { pathNot: '^lib/(client|testing|microservices)/' },
      to: { path: '^lib/client/' },
    },
    {
      name: 'testing-knows-no-server',
      comment:
        'What tests of users import: the client, the types of Nest that it is given, and nothing of the server',
      severity: 'error',
      from: { path: '^lib/testing/' },
      to: {
        pathNot: [
          '^lib/(testing|client|protocol|ws)/',
          '(^|/)(ws|@types/ws|@nestjs/common)/',
          '^(node:)?(http|net)$',
        ],
      },
    },
    {
      name: 'nobody-knows-testing',
      severity: 'error',
      from: { pathNot: '^lib/testing/' },
      to: { path: '^lib/testing/' },
    },
    {
      name: 'nobody-knows-microservices',
      comment: 'An entry of its own, with a peer that few have',
      severity: 'error',
      from: { pathNot: '^lib/microservices/' },
      to: { path: ['^lib/microservices/', '(^|/)@nestjs/microservices/'] },
    },
    // what an entry of its own needs of optional peers, only those who import it need
    ...[
      {
        room: 'contract',
        peers: '(@nestjs/swagger|class-transformer|class-validator|yaml)',
        to: '|explorer',
      },
      { room: 'opentelemetry', peers: '@opentelemetry' },
      { room: 'terminus', peers: '@nestjs/terminus' },
    ].map(({ room, peers, to = '' }) => ({
      name: `${room}-of-its-own`,
      severity: 'error',
      from: { pathNot: `^lib/(${room}${to})/` },
      to: { path: [`^lib/${room}/`, `(^|/)${peers}/`] },
    })),
    {
      name: 'nothing-knows-the-explorer',
      severity: 'error',
      from: { pathNot: '^lib/explorer/' },
      to: { path: '^lib/explorer/' },
    },
    {
      name: 'upgrade-knows-no-gateway',
      severity: 'error',
      from: { path: '^lib/upgrade/' },
      to: { path: '^lib/gateway/' },
    },
    {
      name: 'adapter-is-the-top',
      severity: 'error',
      from: { pathNot: ['^lib/index\\.ts$', '^lib/microservices/'] },
      to: { path: '^lib/envelope\\.adapter\\.ts$' },
    },
  ],
  options: {
    // TypeScript 7 has no parser that this tool could use.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    moduleSystems: ['es6', 'cjs'],
  },
};
