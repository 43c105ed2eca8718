import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { describeIf } from '../support/brokers/describe-if.js';
import { Waiter } from '../support/client.js';
import type { Any } from './io-client.js';
import { LONGEST_WAIT } from '../support/longest-wait.js';

/** Debian's own: the packages of Debian are not installed for any other Python in the search path. */
const PYTHON = process.env.PYTHON_SOCKETIO ?? '/usr/bin/python3';
const PROGRAM = join(process.cwd(), 'test/support/socketio_client.py');

const hasPackages = spawnSync(PYTHON, ['-c', 'import socketio, aiohttp']).status === 0;

/** Skips these tests with a message where the client is not installed. In CI they fail instead. */
export const describeWithPython = describeIf(
  hasPackages,
  `No python3-socketio for ${PYTHON} (apt-get install python3-socketio python3-aiohttp, or set PYTHON_SOCKETIO)`,
);

interface Report {
  tell: 'ready' | 'done' | 'failed' | 'connect' | 'connect_error' | 'disconnect' | 'event';
  key?: number;
  value?: Any;
  client?: number;
  namespace?: string;
  event?: string;
  args?: Any[];
  sid?: string;
  transport?: string;
}

export type PythonTransports = readonly ('polling' | 'websocket')[];

/** A process of Python with any number of clients. */
export class Python {
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;
  private readonly reports: Report[] = [];
  private readonly taken = new Set<Report>();
  private readonly waiter = new Waiter(LONGEST_WAIT);
  private errorOutput = '';
  private keys = 0;
  private clients = 0;

  private constructor() {
    this.child = spawn(PYTHON, [PROGRAM], { stdio: 'pipe' });
    createInterface(this.child.stdout!).on('line', (line) => {
      this.reports.push(JSON.parse(line, reviveBytes) as Report);
      this.waiter.notify();
    });
    this.child.stderr!.on('data', (text) => (this.errorOutput += String(text)));
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
  }

  static async start(): Promise<Python> {
    const python = new Python();
    await python.next({ tell: 'ready' });
    return python;
  }

  /** Begins to connect a client, and keeps it connected. */
  async open(
    url: string,
    transports: PythonTransports,
    { namespaces = ['/'], ...rest }: { namespaces?: string[]; auth?: object; headers?: object } = {},
  ): Promise<PythonClient> {
    const client = this.clients++;
    await this.run({ do: 'connect', client, url, transports, namespaces, ...rest });
    return new PythonClient(this, client);
  }

  /** Runs one command. Resolves with its result; rejects with the type and the message of its exception. */
  async run(command: object): Promise<Any> {
    const key = this.keys++;
    this.child.stdin!.write(`${JSON.stringify({ ...command, key }, packBytes)}\n`);
    const { tell, value } = await this.next({ key });
    if (tell === 'failed') throw new Error(String(value));
    return value;
  }

  /** Resolves with the next report with these fields that no earlier call has returned. */
  async next(fields: Partial<Report>): Promise<Report> {
    const entries = Object.entries(fields);
    const found = await this.waiter.until(`the report ${JSON.stringify(fields)}`, () => {
      return this.reports.find(
        (report) =>
          !this.taken.has(report) && entries.every(([name, value]) => Reflect.get(report, name) === value),
      );
    });
    this.taken.add(found);
    return found;
  }

  /** Returns all reports of this kind about this client. */
  of(client: number, tell: Report['tell']): Report[] {
    return this.reports.filter((report) => report.client === client && report.tell === tell);
  }

  async stop(): Promise<void> {
    this.child.stdin!.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), LONGEST_WAIT);
    const code = await this.ended;
    clearTimeout(timer);
    expect([code, this.errorOutput]).toEqual([0, '']);
  }
}

/** One client of python3-socketio. */
export class PythonClient {
  constructor(
    private readonly python: Python,
    private readonly name: number,
  ) {}

  /** Resolves with the session id of the namespace, once more after each reconnect. */
  async connected(namespace = '/'): Promise<string> {
    return (await this.python.next({ tell: 'connect', client: this.name, namespace })).sid!;
  }
  /** Resolves with the refusal: the data of the server. */
  async refused(namespace = '/'): Promise<Any> {
    return (await this.python.next({ tell: 'connect_error', client: this.name, namespace })).args![0];
  }
  async disconnected(namespace = '/'): Promise<void> {
    await this.python.next({ tell: 'disconnect', client: this.name, namespace });
  }
  /** Resolves with the arguments of the next event of this name. */
  async next(event: string, namespace = '/'): Promise<Any[]> {
    return (await this.python.next({ tell: 'event', client: this.name, namespace, event })).args!;
  }
  /** Returns the arguments of all received events of this name. */
  all(event: string): Any[][] {
    return this.python
      .of(this.name, 'event')
      .filter((report) => report.event === event)
      .map(({ args }) => args!);
  }
  async emit(event: string, ...args: unknown[]): Promise<void> {
    await this.python.run({ do: 'emit', client: this.name, event, args });
  }
  /** Resolves with the answer; with a list if it has several values. */
  call(event: string, ...args: unknown[]): Promise<Any> {
    return this.callIn('/', event, ...args);
  }
  callIn(namespace: string, event: string, ...args: unknown[]): Promise<Any> {
    return this.python.run({ do: 'call', client: this.name, namespace, event, args });
  }
  transport(): Promise<string> {
    return this.python.run({ do: 'transport', client: this.name });
  }
  /** Leaves all namespaces. It does not reconnect. */
  async disconnect(): Promise<void> {
    await this.python.run({ do: 'disconnect', client: this.name });
  }
}

/** `toJSON` of a Buffer has run before a replacer sees its value. */
function packBytes(this: unknown, name: string, value: unknown): unknown {
  const given: unknown = Reflect.get(this as object, name);
  return Buffer.isBuffer(given) ? { $bytes: given.toString('base64') } : value;
}

function reviveBytes(_name: string, value: unknown): unknown {
  const { $bytes } = Object(value) as { $bytes?: string };
  return $bytes === undefined ? value : Buffer.from($bytes, 'base64');
}
