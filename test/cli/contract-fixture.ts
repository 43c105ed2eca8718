import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import { contractToYaml, createContract, type Contract } from '../../lib/contract/index.js';
import { EnvelopeExplorer } from '../../lib/explorer/index.js';
import { startApp } from '../support/app.js';

/** The contract of an application with these gateways. */
export async function contractOf(providers: Type[]): Promise<Contract> {
  const app = await startApp({ providers });
  return createContract(app.nest, { title: 'Chat', version: '1.0' });
}

/** Starts an application with an explorer, and returns the URL of the explorer. */
export async function startExplorer(providers: Type[]): Promise<string> {
  const info = { title: 'Chat', version: '1.0' };
  const { port } = await startApp(
    { providers },
    { before: (app) => EnvelopeExplorer.setup('ws-docs', app, info) },
  );
  return `http://127.0.0.1:${port}/ws-docs`;
}

/** A folder for one test. */
export class Folder {
  private constructor(readonly path: string) {}

  static async create(): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), 'cli-')));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Writes a contract, as YAML or JSON by the extension, and returns the file. */
  async write(name: string, contract: Contract): Promise<string> {
    const text = name.endsWith('.json') ? JSON.stringify(contract) : contractToYaml(contract);
    return this.writeText(name, text);
  }

  /** Replaces a file at once: a command that watches it never reads a part. */
  async writeText(name: string, text: string): Promise<string> {
    await writeFile(this.file(`${name}.tmp`), text);
    await rename(this.file(`${name}.tmp`), this.file(name));
    return this.file(name);
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true });
  }
}

const servers = new Set<Server>();

/** Serves HTTP until {@link closeServers}. Returns the URL. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function closeServers(): Promise<void> {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  servers.clear();
}
