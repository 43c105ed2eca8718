import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ConformanceError } from '../suite.js';
import { Reports, type ClientUnderTest, type Command, type Report } from './client-under-test.js';

/** A client that is a program: it reads commands and writes reports, a line of JSON each. */
export class ClientProgram implements ClientUnderTest {
  readonly reports = new Reports();
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;
  private errorOutput = '';

  /** @param shell whether `command` is a line of the shell */
  constructor(command: string, args: readonly string[] = [], shell = false) {
    this.child = spawn(command, args, { stdio: 'pipe', shell });
    createInterface(this.child.stdout!).on('line', (line) => this.reports.add(JSON.parse(line) as Report));
    this.child.stderr!.on('data', (text) => (this.errorOutput += String(text)));
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
  }

  do(command: Command): void {
    this.child.stdin!.write(`${JSON.stringify(command)}\n`);
  }

  async stop(): Promise<void> {
    this.child.stdin!.end();
    await this.ended;
    if (this.errorOutput !== '')
      throw new ConformanceError(`the program wrote to standard error: ${this.errorOutput}`);
  }
}
