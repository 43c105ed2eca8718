import { AsyncQueue } from './async-queue.js';
import type { Untyped } from '../../protocol/typed-events.js';

/** A command for a client under test. docs/conformance.md describes them. */
export type Command =
  | { do: 'connect'; url: string; auth?: object }
  | { do: 'disconnect' }
  | { do: 'emit'; event: string; data?: unknown }
  | { do: 'ask' | 'stream'; key: string; event: string; data?: unknown }
  | { do: 'cancel'; key: string };

/** A report of a client under test. */
export interface Report {
  tell: 'connected' | 'closed' | 'event' | 'answer' | 'failed' | 'value' | 'end';
  key?: string;
  event?: string;
  data?: Untyped;
  id?: string;
  recovered?: boolean;
  code?: number;
  status?: number;
  returns?: boolean;
}

/** A client under test: a program, or a client in this process. */
export interface ClientUnderTest {
  readonly reports: Reports;
  do(command: Command): void;
  stop(): Promise<void>;
}

/** What a client under test reports. */
export class Reports {
  private readonly queue = new AsyncQueue<Report>('a report of the client');

  add(report: Report): void {
    this.queue.add(report);
  }

  /** Waits for a report of this kind, about the request with this key if it has one. */
  next(tell: Report['tell'], key?: string): Promise<Report> {
    return this.take((report) => report.tell === tell && report.key === key);
  }

  take(matches: (report: Report) => boolean): Promise<Report> {
    return this.queue.take(matches);
  }

  /** The reports that no check has taken. */
  get open(): Report[] {
    return this.queue.open;
  }
}
