import { IncomingMessage, type Server } from 'node:http';
import { Socket } from 'node:net';
import { queryObjects } from 'node:v8';
import type { INestApplication } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { WebSocket } from 'ws';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeAdapter } from '../../lib/index.js';
import { IncomingRequest } from '../../lib/server/socket/incoming-request.js';
import { boot } from '../support/child/boot.js';
import { serveCommands } from '../support/child/program.js';
import { until } from '../support/wait.js';
import { countByName, sizesUnder, type Figures } from './figures.js';
import { DeflatedGateway, GuardedGateway, NamespaceGateway, SlowGateway, SoakGateway } from './gateways.js';
import { LONGEST_WAIT } from '../support/longest-wait.js';

const GATEWAYS = [SoakGateway, DeflatedGateway, NamespaceGateway, GuardedGateway, SlowGateway];
const CLASSES = { EnvelopeSocket, EnvelopeServer, IncomingRequest, WebSocket, IncomingMessage, Socket };

const { nest, port } = await boot({ providers: GATEWAYS }, { pingInterval: 400, pingTimeout: 400 });
const adapter = adapterOf(nest);
const http = nest.getHttpServer() as Server;
let connections = 0;
http.on('connection', () => void connections++);

function adapterOf(app: INestApplication): EnvelopeAdapter {
  return (Reflect.get(app, 'config') as ApplicationConfig).getIoAdapter() as unknown as EnvelopeAdapter;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const openConnections = (): Promise<number> =>
  new Promise((resolve) => http.getConnections((_error, count) => resolve(count)));

/** Returns the number of sockets and rooms of each path. */
function clientsByPath(): Record<string, number> {
  const rooms = adapter.create(0, { path: '/rooms', namespace: /^\/room-\d+$/ });
  const servers = ['/soak', '/deflated', '/guarded', '/slow'].map((path) => adapter.create(0, { path }));
  return Object.fromEntries(
    [...servers, rooms].map(({ name, sockets, adapter: { rooms, sids } }) => [
      name,
      sockets.size + (rooms?.size ?? 0) + (sids?.size ?? 0),
    ]),
  );
}

function listenerCounts(): Record<string, number> {
  const of = (name: string, emitter: NodeJS.EventEmitter): [string, number][] =>
    emitter.eventNames().map((event) => [`${name} ${String(event)}`, emitter.listenerCount(event)]);
  return Object.fromEntries([...of('http', http), ...of('process', process)]);
}

/** @param isThorough whether to count objects, too, which takes a heap snapshot for each class */
async function measure(isThorough: boolean): Promise<Figures> {
  for (let turn = 0; turn < 6; turn++) {
    await nextTurn();
    global.gc!();
  }
  const classes = isThorough ? Object.entries(CLASSES) : [];
  const objects = classes.map(([name, type]) => [name, queryObjects(type, { format: 'count' })]);
  const { heapUsed, external } = process.memoryUsage();
  return {
    sizes: sizesUnder(adapter),
    resources: countByName(process.getActiveResourcesInfo()),
    listeners: listenerCounts(),
    objects: Object.fromEntries(objects) as Record<string, number>,
    clients: clientsByPath(),
    heap: heapUsed,
    external,
    connections,
  };
}

/** Returns the figures when all connections have closed, and the timers of unanswered requests have expired. */
async function measureAtRest(): Promise<Figures> {
  // the figures tell of those that stay open
  const isAtRest = async (): Promise<boolean> => (await openConnections()) === 0;
  await until('the end of all connections', isAtRest, LONGEST_WAIT).catch(() => undefined);
  const timers = (figures: Figures): number => figures.resources['Timeout'] ?? 0;
  let figures = await measure(false);
  for (let before = Infinity; timers(figures) < before;) {
    before = timers(figures);
    await new Promise((resolve) => void setTimeout(resolve, 500));
    figures = await measure(false);
  }
  return measure(true);
}

serveCommands({ port: () => port, figures: measureAtRest });
