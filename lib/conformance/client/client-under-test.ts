import { AsyncQueue } from './queue.js';
import type { Untyped } from '../../protocol/typed-events.js';

/** A command for a client under test. README.md in the parent folder describes them. */
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

/** A client under test. */
export abstract class ClientUnderTest {
  readonly reports = new AsyncQueue<Report>('a report of the client');

  abstract do(command: Command): void;
  abstract stop(): Promise<void>;

  reported(tell: Report['tell'], key?: string): Promise<Report> {
    return this.reports.take((report) => report.tell === tell && report.key === key);
  }
}
