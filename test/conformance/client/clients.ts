import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { connect, RequestError, type ClientSocket } from '../../../lib/client/node.js';
import { describeIf } from '../../support/brokers/describe-if.js';
import { Awaited } from './queue.js';

/** What a client under test is told to do: README.md in this folder. */
export type Command =
  | { do: 'connect'; url: string; auth?: object }
  | { do: 'disconnect' }
  | { do: 'emit'; event: string; data?: unknown }
  | { do: 'ask' | 'stream'; key: string; event: string; data?: unknown }
  | { do: 'cancel'; key: string };

/** What it tells. */
export interface Report {
  tell: 'connected' | 'closed' | 'event' | 'answer' | 'failed' | 'value' | 'end';
  key?: string;
  event?: string;
  data?: any; // eslint-disable-line -- tests look into payloads freely
  id?: string;
  recovered?: boolean;
  code?: number;
  status?: number;
  returns?: boolean;
}

/** A client under test. */
export abstract class Subject {
  readonly reports = new Awaited<Report>('a report of the client');

  abstract do(command: Command): void;
  abstract stop(): Promise<void>;

  told(tell: Report['tell'], key?: string): Promise<Report> {
    return this.reports.take((report) => report.tell === tell && report.key === key);
  }
}

/** `lib/client`, in this process. */
class OurClient extends Subject {
  private socket: ClientSocket | undefined;
  private readonly streams = new Map<string, AbortController>();

  do(command: Command): void {
    if (command.do === 'connect') return this.connect(command.url, command.auth);
    const socket = this.socket!;
    if (command.do === 'disconnect') socket.disconnect();
    else if (command.do === 'cancel') this.streams.get(command.key)!.abort();
    else if (command.do === 'emit') socket.emit(command.event, ...dataOf(command));
    else if (command.do === 'ask') void this.ask(socket, command.key, command.event, dataOf(command));
    else void this.read(socket, command.key, command.event, command.data);
  }

  async stop(): Promise<void> {
    this.socket?.disconnect();
  }

  private connect(url: string, auth: object | undefined): void {
    this.socket?.disconnect();
    const socket = connect(url, { auth: auth as Record<string, unknown>, reconnectionDelay: 20 });
    this.socket = socket;
    socket.on('connect', () => this.tell({ tell: 'connected', id: socket.id, recovered: socket.recovered }));
    socket.on('disconnect', (_reason, { code, willReconnect }) =>
      this.tell({ tell: 'closed', code, returns: willReconnect }),
    );
    socket.on('connect_error', ({ code, status, willReconnect }) =>
      this.tell({ tell: 'closed', code, status, returns: willReconnect }),
    );
    socket.on('question', (data: unknown) => data);
    socket.on('secret', () => {
      throw new Error('I will not tell');
    });
    socket.onAny((event, data) => {
      if (event !== 'question' && event !== 'secret') this.tell({ tell: 'event', event, data });
    });
  }

  private async ask(socket: ClientSocket, key: string, event: string, data: unknown[]): Promise<void> {
    try {
      this.tell({ tell: 'answer', key, data: await socket.emitWithAck(event, ...data) });
    } catch (error) {
      this.fail(key, error);
    }
  }

  private async read(socket: ClientSocket, key: string, event: string, data: unknown): Promise<void> {
    const controller = new AbortController();
    this.streams.set(key, controller);
    try {
      for await (const value of socket.stream(event, data, controller))
        this.tell({ tell: 'value', key, data: value });
      this.tell({ tell: 'end', key });
    } catch (error) {
      this.fail(key, error);
    }
  }

  private fail(key: string, error: unknown): void {
    this.tell({ tell: 'failed', key, data: error instanceof RequestError ? error.data : undefined });
  }

  /** As if it had gone through JSON. */
  private tell(report: { [Name in keyof Report]: Report[Name] | undefined }): void {
    this.reports.add(JSON.parse(JSON.stringify(report)) as Report);
  }
}

const dataOf = ({ data }: { data?: unknown }): unknown[] => (data === undefined ? [] : [data]);

/** A program that takes commands and gives reports, a line of JSON each. */
export class Program extends Subject {
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;
  private complaints = '';

  constructor(command: string, args: string[]) {
    super();
    this.child = spawn(command, args, { stdio: 'pipe' });
    createInterface(this.child.stdout!).on('line', (line) => this.reports.add(JSON.parse(line) as Report));
    this.child.stderr!.on('data', (text) => (this.complaints += String(text)));
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
  }

  do(command: Command): void {
    this.child.stdin!.write(`${JSON.stringify(command)}\n`);
  }

  async stop(): Promise<void> {
    this.child.stdin!.end();
    await this.ended;
    expect(this.complaints).toBe('');
  }
}

export const PYTHON = 'python3';
const MISSING = `${PYTHON} is not installed`;
const hasPython = spawnSync(PYTHON, ['--version']).status === 0;
export const describeWithPython = describeIf(hasPython, MISSING);
export const BARE_CLIENT = join(process.cwd(), 'test/conformance/bare_client.py');

/** All clients that we have, and how to describe their tests. */
export const SUBJECTS: { name: string; describe: jest.Describe; make: () => Subject; isOurs?: true }[] = [
  { name: 'lib/client', describe, make: () => new OurClient(), isOurs: true },
  {
    name: 'bare_client.py',
    describe: describeWithPython,
    make: () => {
      if (!hasPython) throw new Error(MISSING);
      return new Program(PYTHON, [BARE_CLIENT]);
    },
  },
];
