import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { connect, RequestError, type ClientSocket } from '../../lib/client/node.js';
import {
  Reports,
  type ClientUnderTest,
  type Command,
  type Report,
} from '../../lib/conformance/client/client-under-test.js';
import { ClientProgram } from '../../lib/conformance/client/client-program.js';
import { describeIf } from '../support/brokers/describe-if.js';

/** `lib/client`, in this process. */
class OurClient implements ClientUnderTest {
  readonly reports = new Reports();
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
    const credentials = auth as Record<string, unknown> | undefined;
    const socket = connect(url, { auth: () => credentials, reconnectionDelay: 20 });
    this.socket = socket;
    socket.on('connect', () =>
      this.report({ tell: 'connected', id: socket.id, recovered: socket.recovered }),
    );
    socket.on('disconnect', (_reason, { code, willReconnect }) =>
      this.report({ tell: 'closed', code, returns: willReconnect }),
    );
    socket.on('connect_error', ({ code, status, willReconnect }) =>
      this.report({ tell: 'closed', code, status, returns: willReconnect }),
    );
    socket.on('question', (data: unknown) => data);
    socket.on('secret', () => {
      throw new Error('I will not tell');
    });
    socket.onAny((event, data) => {
      if (event !== 'question' && event !== 'secret') this.report({ tell: 'event', event, data });
    });
  }

  private async ask(socket: ClientSocket, key: string, event: string, data: unknown[]): Promise<void> {
    try {
      this.report({ tell: 'answer', key, data: await socket.emitWithAck(event, ...data) });
    } catch (error) {
      this.fail(key, error);
    }
  }

  private async read(socket: ClientSocket, key: string, event: string, data: unknown): Promise<void> {
    const controller = new AbortController();
    this.streams.set(key, controller);
    try {
      for await (const value of socket.stream(event, data, controller))
        this.report({ tell: 'value', key, data: value });
      this.report({ tell: 'end', key });
    } catch (error) {
      this.fail(key, error);
    }
  }

  private fail(key: string, error: unknown): void {
    this.report({ tell: 'failed', key, data: error instanceof RequestError ? error.data : undefined });
  }

  /** Adds a report, after a round trip through JSON like those of a program. */
  private report(report: { [Name in keyof Report]: Report[Name] | undefined }): void {
    this.reports.add(JSON.parse(JSON.stringify(report)) as Report);
  }
}

const dataOf = ({ data }: { data?: unknown }): unknown[] => (data === undefined ? [] : [data]);

export const PYTHON = 'python3';
const MISSING = `${PYTHON} is not installed`;
const hasPython = spawnSync(PYTHON, ['--version']).status === 0;
export const describeWithPython = describeIf(hasPython, MISSING);
export const BARE_CLIENT = join(process.cwd(), 'test/conformance/bare_client.py');

/** All clients under test, and how to describe their tests. */
export const CLIENTS: {
  name: string;
  describe: jest.Describe;
  make: () => ClientUnderTest;
  isOurs?: true;
}[] = [
  { name: 'lib/client', describe, make: () => new OurClient(), isOurs: true },
  {
    name: 'bare_client.py',
    describe: describeWithPython,
    make: () => {
      if (!hasPython) throw new Error(MISSING);
      return new ClientProgram(PYTHON, [BARE_CLIENT]);
    },
  },
];
