#!/usr/bin/env node
// How many nodes does an application need, and which limit comes first? See docs/capacity.md.
//
//   node planner.mjs --connections 100000 --messages 0.05 --room 20
//   node planner.mjs --table        the tables of docs/capacity.md
//
// It multiplies what you expect with what was measured (costs.json): an estimate for the first plan, not a promise.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const COSTS = JSON.parse(readFileSync(new URL('costs.json', import.meta.url), 'utf8'));
const SECOND = 1e6;
const MAX_NODES = 20_000;

/** What is planned, with the defaults of the command line. Each is an option of it. */
export const DEFAULTS = {
  /** Clients that are connected at the same time. */
  connections: 10_000,
  /** Messages that one client sends in a second. Each is broadcast to one room. */
  messages: 0.05,
  /** Members of a room, at random on the nodes. */
  room: 20,
  /** Bytes of a broadcast on its way to Redis. */
  bytes: 200,
  /** Minutes that a client stays. */
  stay: 10,
  /** Whether this process ends TLS; `false` behind a proxy that does. */
  tls: false,
  /** `classic`, `sharded` or `streams`: createAdapter, createShardedAdapter, and that of redis-streams-adapter. */
  adapter: 'classic',
  /** Shards of Redis Cluster, with the sharded adapter. */
  shards: 1,
  /** Microseconds of CPU that your handlers take for a message. */
  handler: 100,
  /** Bytes that your application keeps for a client. */
  client: 4_000,
  /** How busy a core may be. The rest is for peaks, reconnecting clients and garbage collection. */
  target: 0.5,
  /** Bytes of memory of a node. */
  memory: 1e9,
  /** Connections that a node may have: how many clients come back at once when it ends. */
  'per-node': 20_000,
};

/** Bytes of a Nest application without clients. */
const APPLICATION = 120e6;
/** Bytes of memory of Redis for one subscription of one node, of its dictionaries and its name. */
const SUBSCRIPTION = 200;

/** The number of nodes, of `nodes`, that have at least one of a room's members. */
export const nodesOfRoom = (room, nodes) => nodes * (1 - (1 - 1 / nodes) ** room);

/** What one broadcast costs Redis, and how busy all nodes keep it, as a share of one core. */
function redisShare({ adapter, shards, room }, broadcasts, nodes) {
  if (nodes === 1) return 0;
  const { broadcast, node } = COSTS.redis[adapter];
  const reached = adapter === 'sharded' ? nodesOfRoom(room, nodes) : nodes;
  return (broadcasts * (broadcast + node * reached)) / SECOND / (adapter === 'sharded' ? shards : 1);
}

/**
 * The microseconds that a node spends on receiving one broadcast of another node: less where many come together, as
 * they are read together. Between 500 and 5,000 a second it falls in proportion to the logarithm.
 */
export function receiving(adapter, perSecond) {
  const { alone, together } = COSTS.receive[adapter];
  const part = Math.min(1, Math.max(0, Math.log10(Math.max(perSecond, 1) / 500)));
  return alone * (together / alone) ** part;
}

/** What a number of nodes would be used for: shares of one core, and bytes. */
export function load(given, nodes) {
  const plan = { ...DEFAULTS, ...given };
  const costs = plan.tls ? COSTS.tls : COSTS.plain;
  const each = plan.connections / nodes;
  const broadcasts = plan.connections * plan.messages;
  // what Redis sends to a node, without what the node has sent itself
  const all = plan.adapter === 'sharded' ? (broadcasts * nodesOfRoom(plan.room, nodes)) / nodes : broadcasts;
  const remote = nodes === 1 ? 0 : all * (1 - 1 / nodes);
  const share = {
    messages: (each * plan.messages * (costs.message + plan.handler)) / SECOND,
    deliveries: (each * plan.messages * plan.room * costs.delivery) / SECOND,
    arrivals: ((each / (plan.stay * 60)) * (costs.connect + costs.disconnect)) / SECOND,
    broker: (remote * receiving(plan.adapter, remote)) / SECOND,
  };
  const rooms = (plan.connections / plan.room) * nodesOfRoom(plan.room, nodes);
  return {
    nodes,
    share,
    cpu: Object.values(share).reduce((sum, part) => sum + part, 0),
    memory: APPLICATION + each * (costs.bytes + plan.client),
    connections: each,
    redis: redisShare(plan, broadcasts, nodes),
    redisMemory: nodes > 1 && plan.adapter === 'sharded' ? rooms * SUBSCRIPTION : 0,
    bytesPerSecond: nodes === 1 ? 0 : broadcasts * plan.bytes + remote * nodes * plan.bytes,
  };
}

/** What a plan cannot have with that number of nodes, each with the share of what there is. */
export function exceeded(given, nodes) {
  const plan = { ...DEFAULTS, ...given };
  const { cpu, memory, connections, redis } = load(plan, nodes);
  const used = {
    'CPU of a node': cpu / plan.target,
    'memory of a node': memory / plan.memory,
    'connections of a node': connections / plan['per-node'],
    'CPU of Redis': redis / plan.target,
  };
  return Object.entries(used).filter(([, share]) => share > 1);
}

/** Whether the nodes are enough for what their own clients do, without the messages of other nodes. */
function isEnoughForClients(options, nodes) {
  const { cpu, share, memory, connections } = load(options, nodes);
  return (
    cpu - share.broker <= options.target && memory <= options.memory && connections <= options['per-node']
  );
}

/**
 * The smallest number of nodes that is enough.
 *
 * @returns its load; or, where no number is enough because of the broker, `blocked`: what is full first, with the number
 *   of nodes that comes closest, of those that are enough for their own clients
 */
export function plan(given) {
  const options = { ...DEFAULTS, ...given };
  let closest;
  for (let nodes = 1; nodes <= MAX_NODES; nodes += Math.max(1, Math.floor(nodes / 100))) {
    if (!isEnoughForClients(options, nodes)) continue;
    const missing = exceeded(options, nodes);
    if (missing.length === 0) return { ...load(options, nodes), blocked: [] };
    const worst = Math.max(...missing.map(([, share]) => share));
    if (closest === undefined || worst < closest.worst) closest = { worst, nodes, missing };
  }
  if (closest === undefined) throw new Error(`more than ${MAX_NODES.toLocaleString('en')} nodes`);
  return { ...load(options, closest.nodes), blocked: closest.missing };
}

const percent = (share) => (share < 0.001 ? '0 %' : `${Number((share * 100).toPrecision(2))} %`);
const megabytes = (bytes) => `${Number((bytes / 1e6).toPrecision(2)).toLocaleString('en')} MB`;

function report(given) {
  const { nodes, share, cpu, memory, connections, redis, redisMemory, bytesPerSecond, blocked } = plan(given);
  const { measured } = COSTS;
  const lines = [
    `nodes              ${nodes}, of one core each`,
    `connections        ${Math.ceil(connections).toLocaleString('en')} a node`,
    `CPU of a node      ${percent(cpu)}: ${Object.entries(share)
      .map(([what, part]) => `${what} ${percent(part)}`)
      .join(', ')}`,
    `memory of a node   ${megabytes(memory)}`,
  ];
  if (nodes > 1)
    lines.push(`CPU of Redis       ${percent(redis)} of one core${given.shards > 1 ? ' of each shard' : ''}`);
  if (redisMemory > 0) lines.push(`memory of Redis    ${megabytes(redisMemory)} for the channels of rooms`);
  if (bytesPerSecond > 0) lines.push(`network of Redis   ${megabytes(bytesPerSecond)} a second`);
  for (const [what, times] of blocked)
    lines.push(
      `OVER ITS LIMIT     ${what}: ${Number(times.toPrecision(2))} times the limit, with any number of nodes`,
    );
  lines.push(
    `measured           ${measured.date}, Node ${measured.node}, Redis ${measured.redis}, ${measured.processor}`,
  );
  return lines.join('\n');
}

/** The sizes and adapters of docs/capacity.md, as a table. */
export function overview() {
  const rows = [
    [
      'clients',
      'adapter',
      'nodes',
      'CPU of a node',
      'of it for other nodes',
      'CPU of Redis',
      'network of Redis',
      'over its limit',
    ],
  ];
  for (const connections of [10_000, 100_000, 1_000_000, 10_000_000])
    for (const [adapter, shards] of [
      ['classic', 1],
      ['streams', 1],
      ['sharded', 1],
      ['sharded', 8],
    ]) {
      if (shards > 1 && connections < 1_000_000) continue;
      const { nodes, cpu, share, redis, bytesPerSecond, blocked } = plan({ connections, adapter, shards });
      const [first] = blocked.toSorted(([, a], [, b]) => b - a);
      rows.push([
        connections.toLocaleString('en'),
        shards === 1 ? adapter : `${adapter}, ${shards} shards`,
        nodes,
        percent(cpu),
        percent(share.broker),
        shards === 1 ? percent(redis) : `${percent(redis)} each`,
        bytesPerSecond === 0 ? '' : `${megabytes(bytesPerSecond)}/s`,
        first === undefined ? '' : `${first[0]}, ${Number(first[1].toPrecision(2))} times`,
      ]);
    }
  const [head, ...body] = rows.map((cells) => `| ${cells.join(' | ')} |`);
  return [head, `|${' --- |'.repeat(rows[0].length)}`, ...body].join('\n');
}

const usage = () =>
  [
    'Usage: node planner.mjs --connections 100000 --messages 0.05 --room 20',
    'Options and their defaults, which docs/capacity.md explains:',
    ...Object.entries(DEFAULTS).map(([name, value]) => `  --${name.padEnd(13)}${value}`),
    '  --table        the table of docs/capacity.md',
  ].join('\n');

function main() {
  const options = Object.fromEntries(
    Object.entries(DEFAULTS).map(([name, value]) => [
      name,
      typeof value === 'boolean' ? { type: 'boolean' } : { type: 'string' },
    ]),
  );
  const { values } = parseArgs({
    options: { ...options, table: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) return console.log(usage());
  if (values.table) return console.log(overview());
  const given = { ...DEFAULTS };
  for (const [name, value] of Object.entries(values)) {
    const isNumber = typeof DEFAULTS[name] === 'number';
    given[name] = isNumber ? Number(value) : value;
    if (isNumber && !(given[name] > 0)) throw new Error(`--${name} ${value} is not a number above 0`);
  }
  if (COSTS.redis[given.adapter] === undefined)
    throw new Error(`--adapter ${given.adapter}: use ${Object.keys(COSTS.redis).join(', ')}`);
  console.log(report(given));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    main();
  } catch (error) {
    console.error(`${error.message}\n\n${usage()}`);
    process.exitCode = 2;
  }
}
