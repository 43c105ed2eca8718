// The servers that the bench compares: for each the program, its arguments, and the protocol of its clients.
import { createRequire } from 'node:module';

const PLAIN = new URL('./servers/plain.js', import.meta.url);
const UWS = new URL('./servers/uws.js', import.meta.url);
const NEST = new URL('./servers/nest.js', import.meta.url);

export const PEERS = {
  ours: { file: NEST, args: ['envelope'], protocol: 'envelope' },
  raw: { file: PLAIN, args: ['raw'], protocol: 'envelope', what: 'hand-written `ws` server' },
  batch: {
    file: PLAIN,
    args: ['batch'],
    protocol: 'envelope',
    what: 'the same, one write per socket and tick',
  },
  floor: { file: PLAIN, args: ['floor'], protocol: 'envelope', what: 'a prebuilt frame to each TCP socket' },
  WsAdapter: { file: NEST, args: ['ws'], protocol: 'envelope', what: 'Nest + `@nestjs/platform-ws`' },
  'Socket.IO': {
    file: NEST,
    args: ['socket.io'],
    protocol: 'socket.io',
    what: 'Nest + Socket.IO, websocket only',
  },
  'uWebSockets.js': { file: UWS, args: [], protocol: 'envelope', what: 'uWebSockets.js, written by hand' },
  'no limits': {
    file: NEST,
    args: ['envelope', '../../dist/esm/index.js', 'no limits'],
    protocol: 'envelope',
    what: 'ours with every limit off',
  },
  'with context': {
    file: NEST,
    args: ['envelope', '../../dist/esm/index.js', 'with context'],
    protocol: 'envelope',
    what: 'ours with the option messageContext',
  },
  'with telemetry': {
    file: NEST,
    args: ['envelope', '../../dist/esm/index.js', 'with telemetry'],
    protocol: 'envelope',
    what: 'ours with OpenTelemetry, its figures on and its traces not sampled',
  },
};

/** Another build of this package. */
export const otherBuild = (index) => ({ file: NEST, args: ['envelope', index], protocol: 'envelope' });

const require = createRequire(import.meta.url);

/** Returns whether a peer is installed: uWebSockets.js is not a dependency. */
export function isInstalled(name) {
  if (PEERS[name]?.file !== UWS) return true;
  try {
    require.resolve('@trufflesuite/uws-js-unofficial');
    return true;
  } catch {
    return false;
  }
}
