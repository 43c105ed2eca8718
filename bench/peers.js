// The servers that the bench compares: for each the program, its arguments, and the protocol of its clients.
import { existsSync } from 'node:fs';
import { isInstalled as isPackageInstalled } from './peers/install.js';

const PLAIN = new URL('./servers/plain.js', import.meta.url);
const UWS = new URL('./peers/uws.js', import.meta.url);
const CROSSWS = new URL('./peers/crossws.js', import.meta.url);
const NEST = new URL('./servers/nest.js', import.meta.url);
const BUILD = '../../dist/esm/index.js';

const ours = (build, variant) => ({
  file: NEST,
  args: variant === undefined ? ['envelope', build] : ['envelope', build, variant],
  protocol: 'envelope',
});

export const PEERS = {
  ours: ours(BUILD),
  raw: {
    file: PLAIN,
    args: ['raw'],
    protocol: 'envelope',
    what: 'hand-written `ws` server, with a list of its clients to send to',
  },
  barest: {
    file: PLAIN,
    args: ['barest'],
    protocol: 'envelope',
    what: '`ws` and one listener: it answers, keeps no list of clients, and cannot broadcast',
  },
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
  crossws: {
    file: CROSSWS,
    args: [],
    protocol: 'envelope',
    needs: 'crossws',
    what: 'crossws on Node, written by hand',
  },
  'uWebSockets.js': {
    file: UWS,
    args: [],
    protocol: 'envelope',
    needs: '@trufflesuite/uws-js-unofficial',
    what: 'uWebSockets.js, written by hand',
  },
  'no limits': { ...ours(BUILD, 'no limits'), what: 'ours with every limit off' },
  'with context': { ...ours(BUILD, 'with context'), what: 'ours with the option messageContext' },
  'with telemetry': {
    ...ours(BUILD, 'with telemetry'),
    what: 'ours with OpenTelemetry, its figures on and its traces not sampled',
  },
  http: { ...ours(BUILD, 'over HTTP'), protocol: 'http', what: 'ours over HTTP, without WebSockets' },
  'entry off': { ...ours(BUILD), othersProtocol: 'envelope', what: 'ours without the entry socket.io' },
  'entry off, again': {
    ...ours(BUILD),
    othersProtocol: 'envelope',
    what: 'the same: how far the noise goes',
  },
  uncompressed: { ...ours(BUILD, 'uncompressed'), what: 'ours without the option perMessageDeflate' },
  'compressed by ws': {
    ...ours(BUILD, 'compressed by ws'),
    protocol: 'envelope, compressed',
    what: 'ours with perMessageDeflate: { shared: false }: `ws` compresses for each client',
  },
};

/** Another build of this package. */
export const otherBuild = (index) => ours(index);

/** This package as `peer`, in another variant; other peers as they are. */
const inVariant = (peer, variant) => (peer.args[0] === 'envelope' ? ours(peer.args[1], variant) : peer);

/** `peer` for clients of Socket.IO. @param protocol a name in wire.js */
export const forSocketIO = (peer, protocol) => ({ ...inVariant(peer, 'for Socket.IO'), protocol });

/** This package as `peer`, for bare clients, with the entry for clients of Socket.IO; some of these come first. */
export const withSocketIO = (peer) =>
  peer.othersProtocol === undefined
    ? { ...inVariant(peer, 'with Socket.IO'), othersProtocol: 'socket.io in /ws' }
    : peer;

/** This package as `peer`, with compression, and clients that compress, unless it is in a variant already. */
export const withCompression = (peer) =>
  peer.args.length < 3 ? { ...inVariant(peer, 'compressed'), protocol: 'envelope, compressed' } : peer;

/** Whether this package has been built with the entry for clients of Socket.IO. */
export const hasSocketIO = existsSync(new URL('../dist/esm/socketio/index.js', import.meta.url));

/** Returns whether a peer can be measured: some packages are no dependencies of this one. */
export function isInstalled(name) {
  const needs = PEERS[name]?.needs;
  return needs === undefined || isPackageInstalled(needs);
}
