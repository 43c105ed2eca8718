// Who is measured: the server's program, its arguments, and what clients speak to it.
const PLAIN = new URL('./servers/plain.js', import.meta.url);
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
  'no limits': {
    file: NEST,
    args: ['envelope', '../../dist/esm/index.js', 'no limits'],
    protocol: 'envelope',
    what: 'ours with every limit off',
  },
};

/** Ours, from another build. */
export const otherBuild = (index) => ({ file: NEST, args: ['envelope', index], protocol: 'envelope' });
