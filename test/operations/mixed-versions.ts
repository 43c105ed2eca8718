import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Child } from '../support/child.js';
import { TestClient } from '../support/client.js';
import type { TestApp } from '../support/app.js';
import { as } from './fixture.js';

/**
 * The last commit of version 0.1, before the changes that CHANGELOG.md lists. Nodes of it and of this tree must work on one
 * broker, as they do during a rolling deploy.
 */
const COMMIT = '1b6680eaabd1887d7527bd11ecfb7b6c7e60f2ca';

export type Kind = 'classic' | 'sharded' | 'streams';

export interface MixedSettings {
  name: string;
  /** The URL of the package's index. */
  library: string;
  url: string;
}

/** Whether the history of this clone has the commit. */
export function hasEarlierVersion(): boolean {
  try {
    execFileSync('git', ['cat-file', '-e', `${COMMIT}^{commit}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Writes the sources of the earlier version into an ignored folder of this tree, whose dependencies it uses. */
function writeEarlierVersion(): string {
  const folder = join(process.cwd(), 'test/.earlier-version', COMMIT.slice(0, 12));
  if (!existsSync(join(folder, 'lib/index.ts'))) {
    mkdirSync(folder, { recursive: true });
    const archive = execFileSync('git', ['archive', COMMIT, 'lib'], { maxBuffer: 100_000_000 });
    execFileSync('tar', ['-x', '-C', folder], { input: archive });
  }
  return folder;
}

/** A node of one version. Its commands are those of `mixed-node.ts`. */
export class MixedNode {
  private readonly clients: TestClient[] = [];

  private constructor(
    readonly name: string,
    private readonly child: Child,
    private readonly ports: Readonly<Record<Kind, number>>,
  ) {}

  /** Starts a node of the earlier version and one of this tree. They end after the spec file. */
  static async startBoth(url: string): Promise<[earlier: MixedNode, current: MixedNode]> {
    const roots = { earlier: writeEarlierVersion(), current: process.cwd() };
    const start = async (name: keyof typeof roots): Promise<MixedNode> => {
      const library = pathToFileURL(join(roots[name], 'lib/index.ts')).href;
      const settings = { name, library, url } satisfies MixedSettings;
      const child = await Child.start('../../operations/mixed-node', { settings, isShared: true });
      return new MixedNode(name, child, await child.ask('ports'));
    };
    return Promise.all([start('earlier'), start('current')]);
  }

  ask<Result = unknown>(command: string, kind: Kind, ...args: unknown[]): Promise<Result> {
    return this.child.ask<Result>(command, kind, ...args);
  }

  /** Connects a client, which is in the room `room` then. */
  async connect(kind: Kind, id: unknown): Promise<TestClient> {
    const client = await this.open(kind, as(id));
    await client.next('$session');
    await client.settled();
    return client;
  }

  /** For `RecoveringClient`, which needs only `connect` of an application. */
  app(kind: Kind): TestApp {
    return { connect: (_: string, options: object) => this.open(kind, options) } as unknown as TestApp;
  }

  /** Ends the connections of all clients. */
  disconnectAll(): void {
    for (const client of this.clients.splice(0)) client.ws.terminate();
  }

  private async open(kind: Kind, options: object): Promise<TestClient> {
    const client = new TestClient(`ws://127.0.0.1:${this.ports[kind]}/ws`, options);
    this.clients.push(client);
    await client.opened();
    return client;
  }
}
