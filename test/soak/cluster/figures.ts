export interface NodeSettings {
  /** Of the broker. */
  url: string;
}

/** What a node uses, after a garbage collection. */
export interface NodeFigures {
  /** Megabytes. */
  heap: number;
  /** Megabytes of buffers. */
  external: number;
  /** Megabytes of the process. */
  rss: number;
  clients: number;
  rooms: number;
  /** The resources that keep the process alive: timers, sockets. */
  handles: number;
  /** Listeners on the HTTP server, the process and the client of the broker. */
  listeners: number;
  /** Milliseconds: the 99th percentile of the event loop's delay since the last measurement. */
  lag: number;
  cluster: string;
}

/** The kinds of clients. */
export const KINDS = ['envelope', 'messagepack', 'socket.io', 'bare'] as const;
export type Kind = (typeof KINDS)[number];

/** One row of the picture. */
export interface Sample {
  /** Seconds since the start. */
  at: number;
  node: NodeFigures;
  /** The clients that are connected, of all nodes. */
  connected: number;
  /** The 50th and 99th percentile of the answers since the last row, in milliseconds; absent without an answer. */
  latency: Partial<Record<Kind, readonly [p50: number, p99: number]>>;
}

/** What was done to the cluster. */
export interface Incident {
  at: number;
  what: string;
}

/** Collects how long answers take. */
export class Latencies {
  private times: Partial<Record<Kind, number[]>> = {};
  answers = 0;
  /** Requests without an answer: their connection was lost. */
  lost = 0;

  add(kind: Kind, milliseconds: number): void {
    this.answers++;
    (this.times[kind] ??= []).push(milliseconds);
  }

  /** Returns the percentiles since the last call. */
  take(): Sample['latency'] {
    const { times } = this;
    this.times = {};
    const rows = Object.entries(times).map(([kind, values]) => {
      values.sort((a, b) => a - b);
      const part = (share: number): number =>
        values[Math.min(values.length - 1, Math.floor(values.length * share))]!;
      return [kind, [part(0.5), part(0.99)]];
    });
    return Object.fromEntries(rows) as Sample['latency'];
  }
}
