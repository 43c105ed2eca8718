// The rows of docs/performance.md: what is measured, how, and against whom.
const PEERS = ['raw', 'crossws', 'WsAdapter', 'Socket.IO', 'uWebSockets.js'];
const WITH_ROOMS = PEERS.filter((name) => name !== 'WsAdapter');

/** Servers side by side that take turns: for costs that differ little. See turns.js. */
const turns = (title, workload, peers, rounds = 12) => ({ title, kind: 'turns', workload, peers, rounds });

/** New processes for each figure: for what servers keep, or do once. See workloads.js. */
const processes = (title, workload, figure, peers, share = 1) => ({
  ...{ title, kind: 'processes', workload, figure, peers, share },
});

const CPU = 'server CPU µs per connection';
const RSS = 'kB of RSS per connection';
const HEAP = 'kB of heap per connection';
const CONNECT = 'connect and close, 50 at a time';
const IDLE = 'idle memory, 10,000 connections';
const P50 = 'p50 ms';

export const ROWS = [
  turns('Echo, 32 messages in flight each', 'echo, 32 in flight', PEERS),
  turns('Echo, one in flight', 'echo, 1 in flight', PEERS, 20),
  turns('Request and answer, 32 in flight', 'request, 32 in flight', PEERS),
  turns('Echo through a guard, a pipe and an interceptor', 'guarded, 32 in flight', PEERS),
  turns('Broadcast to 1,000, one a tick', 'broadcast', PEERS, 20),
  turns('Broadcast to 1,000, twenty a tick', 'twenty broadcasts a tick', PEERS),
  turns('5,000 clients, 10,000 rooms of five, twenty a tick', 'rooms of five', WITH_ROOMS),
  turns('To one of 1,000 clients', 'to one of 1,000', PEERS),
  turns('Joining and leaving a room', 'join and leave', WITH_ROOMS),
  processes('A client that connects and leaves', CONNECT, CPU, PEERS),
  processes('An idle connection, ten handlers: RSS', IDLE, RSS, PEERS),
  processes('An idle connection, ten handlers: heap', IDLE, HEAP, PEERS),
  processes('Round trip at 5,000 messages a second (p50)', 'round trip at 5,000 a second', P50, PEERS, 0.5),
  processes(
    'The same beside 100 broadcasts a second (p50)',
    'round trip beside 100 broadcasts a second to 500',
    P50,
    PEERS,
    0.5,
  ),
];

/** What is compared with less than a server has. */
export const LEAST = [
  turns('Broadcast to 1,000, one a tick', 'broadcast', ['floor'], 30),
  turns('Broadcast to 1,000, twenty a tick', 'twenty broadcasts a tick', ['floor']),
  turns('Echo, one in flight', 'echo, 1 in flight', ['barest'], 20),
  turns('Echo by client.on(…), one in flight', 'listener, 1 in flight', ['raw'], 20),
  processes('A client that connects and leaves', CONNECT, CPU, ['barest']),
  processes('An idle connection, ten handlers: heap', IDLE, HEAP, ['barest']),
];

export const NAMES = {
  ours: 'nestjs-envelope',
  raw: 'hand-written `ws`',
  barest: 'the barest `ws` server',
  floor: 'the bare write of a prebuilt frame',
  crossws: 'crossws',
  WsAdapter: 'Nest + `WsAdapter`',
  'Socket.IO': 'Nest + Socket.IO',
  'uWebSockets.js': 'uWebSockets.js',
};

/** Returns the command that measures a row alone. */
export function commandOf({ kind, workload, peers }) {
  if (kind === 'turns')
    return `node bench/alternate.js --only "${workload}" --peers ${[...peers.slice(0, 1), 'ours', ...peers.slice(1)].join(',')}`;
  return `node bench/run.js --only "${workload}" --peers ${['ours', ...peers].join(',')}`;
}
