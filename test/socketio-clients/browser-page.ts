import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { Controller, Get, Header } from '@nestjs/common';
import type { Page } from 'playwright-core';
import type { ManagerOptions, Socket, SocketOptions } from 'socket.io-client';
import type { Any } from './io-client.js';

/** Globals of the page. */
declare global {
  const location: { host: string };
  /** The client that `openSocket` made. */
  const socket: Socket;
  /** The connection's events: name and arguments. */
  const happened: [string, ...Any[]][];
  /** All received events: name and arguments. */
  const received: [string, ...Any[]][];
  function openSocket(url: string, options?: Partial<ManagerOptions & SocketOptions>): void;
  /** Resolves with the arguments of the n-th event of the connection with this name. */
  function nth(name: string, count: number): Promise<Any[]>;
  /** Resolves when the condition holds. Fails after 30 seconds. */
  function when(condition: () => boolean): Promise<void>;
  /** Replaces bytes by `{ bytes: [1, 2] }`, because Playwright does not return an ArrayBuffer. */
  function pack(value: unknown): Any;
}

const PAGE = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>A page with the client of Socket.IO</title>
<script src="/client.js"></script>
<script>
  window.happened = [];
  window.received = [];
  window.pack = (value) => {
    if (value instanceof ArrayBuffer) return { bytes: [...new Uint8Array(value)] };
    if (Array.isArray(value)) return value.map(pack);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, pack(one)]));
  };
  window.when = async (condition) => {
    const deadline = Date.now() + 30_000;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(condition + ' did not hold; ' + JSON.stringify({ happened, received }));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  window.nth = async (name, count) => {
    const all = () => happened.filter(([event]) => event === name);
    await when(() => all().length >= count);
    return all()[count - 1].slice(1);
  };
  window.openSocket = (url, options) => {
    window.socket = io(url, { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 100, ...options });
    socket.on('connect', () => happened.push(['connect', socket.id]));
    socket.on('disconnect', (reason) => happened.push(['disconnect', reason]));
    socket.on('connect_error', ({ message }) => happened.push(['connect_error', message]));
    socket.onAny((event, ...args) => received.push([event, ...args.map(pack)]));
    socket.on('question', (data, answer) => answer(['heard', data]));
  };
  document.documentElement.append('ready');
</script>
`;

/** The browser build that the package publishes. */
const CLIENT = readFileSync(
  join(process.cwd(), 'node_modules/socket.io-client/dist/socket.io.min.js'),
  'utf8',
);

/** The page at the address of the application. */
@Controller()
export class Site {
  @Get('/')
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return PAGE;
  }

  @Get('/client.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  client(): string {
    return CLIENT;
  }
}

/** The same page at another origin, but at the same site, so that cookies go along. */
export class OtherSite {
  private readonly server: Server = createServer((request, response) => {
    const isPage = request.url === '/';
    response.setHeader('Content-Type', `${isPage ? 'text/html' : 'text/javascript'}; charset=utf-8`);
    response.end(isPage ? PAGE : CLIENT);
  });

  static async start(): Promise<OtherSite> {
    const site = new OtherSite();
    await new Promise<void>((resolve) => void site.server.listen(0, '127.0.0.1', resolve));
    return site;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** Opens the page. */
export async function goTo(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/`);
  await page.getByText('ready').waitFor();
}
