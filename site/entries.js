// Gives each module of the API reference the name by which applications import it, and says what the entry is for.
import { readFileSync } from 'node:fs';
import { Comment, Converter, ReflectionKind } from 'typedoc';

const { name: packageName, exports } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);

/** What each entry is for, and the page about it. */
const PURPOSES = {
  '.': ['The adapter, its servers and sockets, and the decorators of gateways', 'getting-started'],
  './throttler': ['Limits for single events, with `@nestjs/throttler`', 'limits#limits-for-single-events'],
  './microservices': [
    'Handlers of microservices over WebSockets, and a client that calls them',
    'microservices',
  ],
  './contract': ['AsyncAPI contracts and types, made from gateways', 'contract'],
  './explorer': ['The explorer of the contract, and the live console', 'explorer'],
  './http-api': ['Routes with which other programs emit', 'rooms#emit-over-http'],
  './once': ['Handlers that run once for each message', 'reliable#on-the-server-once'],
  './opentelemetry': ['Metrics and traces', 'observability'],
  './terminus': ['A health indicator for `@nestjs/terminus`', 'observability'],
  './socket.io': ["The transport for Socket.IO's clients", 'socketio-clients'],
  './http-streaming': ['The transport over HTTP, for networks that break WebSockets', 'http-streaming'],
  './history': ['The history of rooms, and its stores', 'history'],
  './msgpack': ['The MessagePack encoding of the server', 'messagepack'],
  './testing': ['A client for end-to-end tests', 'testing'],
  './client': ['The client', 'client'],
  './react': ['The client as hooks of React', 'react'],
  './client/presence': ['The members of a room, on the client', 'presence#a-list-for-pages'],
  './client/http': ['The client over HTTP', 'http-streaming'],
  './client/msgpack': ['The MessagePack encoding of the client', 'messagepack'],
  './client/history': ['The history of a room, on the client', 'history'],
  './client/reliable': ['Messages that are sent again until they are handled', 'reliable'],
  './client/indexed-db': ['An outbox that survives a reload of the page', 'reliable'],
};

/** The path of an entry by the name that TypeDoc gives its module: that of its folder or file. */
const paths = new Map(
  Object.entries(exports).flatMap(([path, target]) => {
    const types = target.import?.types;
    return types === undefined ? [] : [[types.replace(/^\.\/dist\/esm\/|(\/index)?\.d\.ts$/g, ''), path]];
  }),
);

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      const path = paths.get(module.name);
      const purpose = PURPOSES[path];
      if (purpose === undefined) throw new Error(`site/entries.js: say what the entry "${path}" is for`);
      const [text, page] = purpose;
      module.name = packageName + path.slice(1);
      module.comment = new Comment([{ kind: 'text', text: `${text}: [the guide](/docs/${page}).` }]);
    }
  });
}
