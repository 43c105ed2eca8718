/** The names of other packages that this package has, too: the exported name there, and the one here. */
const SAME_AS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'socket.io': {
    Server: 'EnvelopeServer',
    Namespace: 'EnvelopeServer',
    Socket: 'EnvelopeSocket',
    BroadcastOperator: 'BroadcastOperator',
    RemoteSocket: 'RemoteSocket',
    DisconnectReason: 'DisconnectReason',
    DefaultEventsMap: 'DefaultEventsMap',
  },
  'socket.io/dist/socket': {
    Socket: 'EnvelopeSocket',
    DisconnectReason: 'DisconnectReason',
    Handshake: 'Handshake',
  },
  'socket.io/dist/socket-types': { DisconnectReason: 'DisconnectReason', Handshake: 'Handshake' },
  'socket.io/dist/namespace': { Namespace: 'EnvelopeServer' },
  'socket.io/dist/typed-events': { DefaultEventsMap: 'DefaultEventsMap' },
  'socket.io/dist/broadcast-operator': {
    BroadcastOperator: 'BroadcastOperator',
    RemoteSocket: 'RemoteSocket',
  },
  '@nestjs/platform-socket.io': { IoAdapter: 'EnvelopeAdapter' },
  '@nestjs/platform-ws': { WsAdapter: 'EnvelopeAdapter' },
};

/** Names of `ws` that a gateway uses as types: they mean its server and its clients. */
const OF_WS: Readonly<Record<string, string>> = {
  Server: 'EnvelopeServer',
  WebSocketServer: 'EnvelopeServer',
  WebSocket: 'EnvelopeSocket',
  // not exported by ws, but written where its types are not installed
  Socket: 'EnvelopeSocket',
  default: 'EnvelopeSocket',
};

/** Returns whether a module is one whose names the codemod replaces. */
export function isOldModule(module: string, hasGateway: boolean): boolean {
  return Object.hasOwn(SAME_AS, module) || module.startsWith('socket.io/') || (hasGateway && module === 'ws');
}

/** Returns the name in `nestjs-envelope` for a name of another package. */
export function nameHere(module: string, exported: string): string | undefined {
  const names = module === 'ws' ? OF_WS : SAME_AS[module];
  return names !== undefined && Object.hasOwn(names, exported) ? names[exported] : undefined;
}

const NO_LISTENERS = 'it is not there; on, once, off, listeners and listenerCount are';

/** Members of Socket.IO's `Server` and `Namespace` that `EnvelopeServer` does not have, or not with the same effect. */
export const SERVER_MEMBERS: Readonly<Record<string, string>> = {
  adapter: 'here it is the adapter itself, and no function: pass the factory as the option adapter',
  allSockets: 'it is not there: use fetchSockets()',
  attach: 'it is not there: the adapter attaches itself to the server of the application',
  attachApp: 'it is not there: the adapter attaches itself to the server of the application',
  bind: 'it is not there: the adapter attaches itself to the server of the application',
  connectTimeout: 'it is not there: set the option connectTimeout',
  engine: 'only clientsCount is there: use server.use(…), a guard, or a diagnostics channel',
  getMaxListeners: NO_LISTENERS,
  httpServer: 'it is not there: use app.getHttpServer()',
  listen: 'it is not there: use app.listen()',
  path: 'it is not there: set path in socketIO({ path })',
  prependListener: NO_LISTENERS,
  prependOnceListener: NO_LISTENERS,
  rawListeners: NO_LISTENERS,
  serveClient: 'it is not there: serve the file of socket.io-client yourself',
  write: 'it is not there: use send()',
};

/** Members of Socket.IO's `Socket` that `EnvelopeSocket` does not have, or not with the same effect. */
export const SOCKET_MEMBERS: Readonly<Record<string, string>> = {
  getMaxListeners: NO_LISTENERS,
  prependOnceListener: NO_LISTENERS,
  rawListeners: NO_LISTENERS,
  send: "here it sends its argument as it is, like ws: use emit('message', …)",
  write: "it is not there: use emit('message', …)",
};

/**
 * Members of `EnvelopeAdapter` and its base classes that a subclass must not declare: TypeScript refuses another private or
 * protected member of the same name, and the value of the subclass would replace that of the adapter.
 */
export const ADAPTER_MEMBERS: readonly string[] = [
  '_audit',
  '_controllers',
  '_forceCloseConnections',
  '_handlePackets',
  '_mountOwn',
  '_options',
  '_servers',
  'addWsServerToRegistry',
  'bindClientConnect',
  'bindClientDisconnect',
  'bindErrorHandler',
  'bindMessageHandler',
  'bindMessageHandlers',
  'close',
  'connectTo',
  'context',
  'create',
  'dispose',
  'ensureHttpServerExists',
  'forceCloseConnections',
  'handlerSharing',
  'httpServer',
  'httpServersRegistry',
  'messageParser',
  'mounted',
  'operations',
  'options',
  'routers',
  'services',
  'setMessageParser',
  'startupLog',
  'undos',
  'upgradeListenersRegistry',
  'wsServersRegistry',
];
