import { createHook } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../../lib/index.js';
import { boot } from './boot.js';
import { serveCommands, settings, emitToParent } from './program.js';

/** The ids of all timers, including those without a reference to the event loop. */
const timers = new Set<number>();
createHook({
  init: (id, type) => type === 'Timeout' && timers.add(id),
  destroy: (id) => timers.delete(id),
}).enable();

/** The number of pings in each turn of the event loop that sent any. */
const pings: number[] = [];
let isCounting = false;

function countPings({ ws }: EnvelopeSocket): void {
  const ping = ws.ping.bind(ws);
  ws.ping = (...args: unknown[]) => {
    if (!isCounting) {
      isCounting = true;
      pings.push(0);
      queueMicrotask(() => (isCounting = false));
    }
    pings[pings.length - 1]!++;
    Reflect.apply(ping, ws, args);
  };
}

@WebSocketGateway({ path: '/rooms', namespace: /^\/\d+$/ })
class RoomsGateway {
  handleConnection(client: EnvelopeSocket): void {
    countPings(client);
  }
}

@WebSocketGateway({ path: '/ws' })
class FlowGateway {
  @WebSocketServer() server!: EnvelopeServer;
  /** The number of disconnected clients by close code and reason. */
  readonly left: Record<string, number> = {};
  drained = 0;

  handleConnection(client: EnvelopeSocket): void {
    client.on('drain', () => this.drained++);
    countPings(client);
  }
  handleDisconnect(client: EnvelopeSocket, reason: string): void {
    const key = `${client.closed!.code} ${reason}`;
    this.left[key] = (this.left[key] ?? 0) + 1;
    void emitToParent('left', key);
  }
  @SubscribeMessage('echo')
  echo(data: unknown): unknown {
    return data;
  }
}

export interface Memory {
  rss: number;
  heapUsed: number;
  external: number;
}

export interface Figures {
  /** MB, after a garbage collection. */
  memory: Memory;
  sockets: number;
  rooms: number;
  timers: number;
  handles: number;
  left: Record<string, number>;
  drained: number;
}

export interface Flood {
  bytes: number;
  seconds: number;
  /** The size of one message in bytes. */
  size: number;
  /** Whether each client receives another message, instead of one broadcast. */
  isDirect?: boolean;
  /** Whether the connections are compressed: the messages are then random, so that they stay large. */
  isCompressed?: boolean;
}

export interface FloodReport {
  messages: number;
  volatiles: number;
  /** MB. */
  peak: Memory;
  /** The maximum of `bufferedAmount` over all clients. */
  maxBuffered: number;
  /** The maximum delay of the server's event loop, in milliseconds. */
  delay: number;
}

export interface FlowSettings {
  options?: EnvelopeOptions;
  host?: string;
}

const { options, host } = settings<FlowSettings>();
const app = await boot({ providers: [FlowGateway, RoomsGateway] }, options, host);
const gateway = app.nest.get(FlowGateway);

function memory(): Memory {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss: rss / 1e6, heapUsed: heapUsed / 1e6, external: external / 1e6 };
}

/** Bytes. */
const MAX_PER_TURN = 1_000_000;

/** Sends the given number of bytes, evenly over the time, and a volatile message in each turn. */
async function flood({ bytes, seconds, size, isDirect, isCompressed }: Flood): Promise<FloodReport> {
  const { server } = gateway;
  const filler = 'x'.repeat(size);
  const noise = (): string => randomBytes((size * 3) / 4).toString('base64');
  const report: FloodReport = { messages: 0, volatiles: 0, peak: memory(), maxBuffered: 0, delay: 0 };
  const delays = monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  const start = performance.now();
  while (report.messages * size < bytes) {
    const onTime = (Math.min(1, (performance.now() - start) / 1_000 / seconds) * bytes) / size;
    // on a machine that stalls the flood takes longer: a burst would be too much for fast readers, too
    const due = Math.min(onTime, report.messages + MAX_PER_TURN / size);
    for (; report.messages < due; report.messages++) {
      const data = `${report.messages}:${isCompressed === true ? noise() : filler}`;
      if (isDirect !== true) server.emit('bulk', data);
      else for (const client of server.sockets.values()) client.emit('bulk', `${data}${client.id}`);
    }
    server.volatile.emit('position', `${report.volatiles++}:`);
    const now = memory();
    for (const name of ['rss', 'heapUsed', 'external'] as const)
      report.peak[name] = Math.max(report.peak[name], now[name]);
    for (const { bufferedAmount } of server.sockets.values())
      report.maxBuffered = Math.max(report.maxBuffered, bufferedAmount);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  delays.disable();
  report.delay = delays.max / 1e6;
  return report;
}

serveCommands({
  port: () => app.port,
  flood,
  pings: () => pings,
  // several collections: what one frees may allow the next to free more
  figures: async (): Promise<Figures> => {
    for (let round = 0; round < 5; round++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return {
      memory: memory(),
      sockets: gateway.server.sockets.size,
      rooms: gateway.server.adapter.rooms.size,
      timers: timers.size,
      handles: process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length,
      left: gateway.left,
      drained: gateway.drained,
    };
  },
});
