/** What of Socket.IO's namespace the map answers to, by asking its server. */
const MEMBERS = [
  'name',
  'adapter',
  'emit',
  'emitWithAck',
  'to',
  'in',
  'except',
  'local',
  'volatile',
  'compress',
  'timeout',
  'fetchSockets',
  'socketsJoin',
  'socketsLeave',
  'disconnectSockets',
  'serverSideEmit',
  'use',
  'on',
  'once',
  'off',
  'addListener',
  'removeListener',
  'removeAllListeners',
  'listeners',
  'listenerCount',
  'eventNames',
  'setMaxListeners',
  'serverSideEmitWithAck',
  'send',
  'server',
] as const;

type Member = (typeof MEMBERS)[number];

/** `server.sockets`: the connected sockets by id, which also answers as Socket.IO's default namespace does. */
export type NamespaceMap<Client, Server extends Record<Member, unknown>> = Map<string, Client> &
  Pick<Server, Member> & {
    /** The map itself: what Socket.IO calls `namespace.sockets`. */
    readonly sockets: Map<string, Client>;
  };

/** Makes a server's map. */
export function namespaceMap<Client, Server extends Record<Member, unknown>>(
  server: Server,
): NamespaceMap<Client, Server> {
  const map = new Map<string, Client>();
  for (const member of MEMBERS) {
    Object.defineProperty(map, member, {
      get: () => {
        const value: unknown = server[member];
        return typeof value === 'function' ? (value.bind(server) as unknown) : value;
      },
    });
  }
  return Object.defineProperty(map, 'sockets', { value: map }) as NamespaceMap<Client, Server>;
}
