/**
 * The layers of `lib/`, checked by `npm run lint`. CONTRIBUTING.md says what each folder is for; this file says what it may
 * import. A folder may always import itself. `lib/index.ts` is the published root, and no file imports it.
 */
const BASE = ['protocol', 'server/util'];
const BELOW_ROOMS = [...BASE, 'server/transport', 'server/handshake', 'server/diagnostics'];
const BELOW_RECOVERY = [...BELOW_ROOMS, 'server/rooms'];
const BELOW_SOCKET = [...BELOW_RECOVERY, 'server/recovery'];
const BELOW_NAMESPACE = [...BELOW_SOCKET, 'server/socket', 'server/presence'];
const SERVER = ['protocol', 'server'];
const BELOW_GUARDS = [...SERVER, 'nest/options', 'nest/gateways'];
const BELOW_HOOKS = [...BELOW_GUARDS, 'nest/guards', 'nest/errors', 'nest/logging', 'nest/schemas'];
const BELOW_ADAPTER = [...BELOW_HOOKS, 'nest/hooks', 'nest/handlers', 'nest/operations', 'nest/injection'];

/** One rule per folder: the folders of `lib/` that it may import. */
const LAYERS = {
  protocol: [],
  'server/util': ['protocol'],
  'server/transport': [...BASE, 'ws'],
  'server/handshake': BASE,
  'server/diagnostics': [...BASE, 'server/transport', 'server/handshake'],
  'server/rooms': BELOW_ROOMS,
  'server/presence': BELOW_RECOVERY,
  'server/recovery': BELOW_RECOVERY,
  'server/socket': BELOW_SOCKET,
  'server/namespace': BELOW_NAMESPACE,
  'server/cluster': BELOW_SOCKET,
  'server/upgrade': [...BELOW_NAMESPACE, 'server/namespace'],
  'nest/options': SERVER,
  'nest/gateways': [...SERVER, 'nest/options'],
  'nest/schemas': [...SERVER, 'nest/options', 'nest/gateways'],
  'nest/errors': BELOW_GUARDS,
  'nest/guards': [...BELOW_GUARDS, 'nest/errors'],
  'nest/operations': [...SERVER, 'nest/options'],
  'nest/logging': BELOW_GUARDS,
  'nest/hooks': BELOW_HOOKS,
  'nest/handlers': BELOW_HOOKS,
  'nest/injection': [...SERVER, 'nest/operations'],
  'nest/mounting': BELOW_ADAPTER,
  ws: [],
  client: ['protocol', 'ws'],
  conformance: ['protocol'],
  cli: ['protocol', 'ws', 'client', 'conformance', 'server/util', 'contract', 'codemod'],
  testing: ['client', 'protocol', 'ws'],
  codemod: ['protocol'],
  schematics: ['protocol', 'codemod'],
  contract: [...SERVER, 'nest'],
  explorer: [...SERVER, 'nest', 'contract'],
  history: SERVER,
  'http-api': [...SERVER, 'nest', 'once'],
  'http-streaming': SERVER,
  microservices: [...SERVER, 'nest', 'client'],
  msgpack: SERVER,
  once: [...SERVER, 'nest'],
  opentelemetry: [...SERVER, 'nest'],
  react: ['client', 'protocol'],
  socketio: [...SERVER, 'nest'],
  terminus: [...SERVER, 'nest'],
  throttler: [...SERVER, 'nest'],
};

const layers = Object.entries(LAYERS).map(([folder, below]) => ({
  name: `${folder}-imports-down`,
  severity: 'error',
  from: { path: `^lib/${folder}/` },
  to: { path: '^lib/', pathNot: [folder, ...below].map((name) => `^lib/${name}/`) },
}));

/** One rule per optional peer: only the entry that needs it may import it. */
const OPTIONAL_PEERS = {
  'client/indexed-db': 'idb-keyval',
  codemod: 'ts-morph',
  contract: '(@nestjs/swagger|class-transformer|class-validator|json-schema-to-typescript|yaml)',
  microservices: '@nestjs/microservices',
  '(client/)?msgpack': '@msgpack/msgpack',
  opentelemetry: '@opentelemetry',
  react: '(@types/)?react',
  socketio: '(engine[.]io|socket[.]io-parser)',
  terminus: '@nestjs/terminus',
  throttler: '@nestjs/throttler',
};

const optionalPeers = Object.entries(OPTIONAL_PEERS).map(([entry, peers]) => ({
  name: `${entry.replace(/\W/g, '-')}-alone-imports-its-peers`,
  severity: 'error',
  // the explorer serves the contract as YAML
  from: {
    pathNot: entry === 'contract' ? '^lib/(contract|explorer)/' : `^lib/${entry}(/|[.]ts$)`,
  },
  to: { path: `(^|/)${peers}/` },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycles', comment: 'Types count, too', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolved',
      comment: 'lib/react imports the client by the name of the package, which needs a build to resolve',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^nestjs-envelope/client$' },
    },
    {
      name: 'react-alone-imports-the-built-client',
      severity: 'error',
      from: { pathNot: '^lib/react/' },
      to: { path: '^nestjs-envelope/' },
    },
    {
      name: 'only-real-dependencies',
      comment: 'Published code may import only the dependencies and peers of package.json',
      severity: 'error',
      from: {},
      to: { path: 'node_modules/', dependencyTypesNot: ['npm', 'npm-peer'] },
    },
    {
      name: 'index-alone-at-the-top',
      comment: 'lib/ holds index.ts alone, and nothing imports it',
      severity: 'error',
      from: {},
      to: { path: '^lib/[^/]+$' },
    },
    ...layers,
    ...optionalPeers,
    {
      name: 'transport-alone-uses-ws',
      comment: 'On the server, only lib/server/transport knows ws',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/(server/transport|client|conformance|testing|cli|ws)/' },
      to: { path: '(^|/)node_modules/(@types/)?ws/' },
    },
    {
      name: 'nest-in-folders',
      comment:
        'lib/nest/ holds the adapter and the module alone; their parts are in its folders, and have a rule each',
      severity: 'error',
      from: {},
      to: { path: '^lib/nest/[^/]+$', pathNot: '^lib/nest/(envelope-adapter|envelope-module)[.]ts$' },
    },
    {
      name: 'protocol-runs-anywhere',
      comment: 'lib/protocol imports nothing, not even from Node',
      severity: 'error',
      from: { path: '^lib/protocol/' },
      to: { pathNot: '^lib/protocol/' },
    },
    {
      name: 'server-without-nest',
      severity: 'error',
      from: { path: '^lib/server/' },
      to: { path: '(^|/)@nestjs/' },
    },
    {
      name: 'client-runs-anywhere',
      comment:
        'The client imports nothing but lib/protocol; its entries for Node, MessagePack and IndexedDB add a library',
      severity: 'error',
      from: { path: '^lib/client/', pathNot: '^lib/client/(node|msgpack|indexed-db)' },
      to: { pathNot: '^lib/(client|protocol)/' },
    },
    {
      name: 'cli-without-nest',
      comment: 'The command line loads nothing of Nest, not even through other files',
      severity: 'error',
      from: { path: '^lib/cli/' },
      to: { path: '(^lib/nest/|(^|/)(@nestjs|rxjs|reflect-metadata)/)', reachable: true },
    },
    {
      name: 'testing-without-server',
      comment: 'The test kit imports the client, types of Nest, ws and HTTP, and nothing of the server',
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
  ],
  options: {
    // TypeScript 7 exports no parser that this tool can use.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    moduleSystems: ['es6', 'cjs'],
  },
};
