import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { runInThisContext } from 'node:vm';
import { WebSocket } from 'ws';
import type { TestApp } from '../support/app.js';
import { startFixture } from './fixture.js';

const page = readFileSync(join(process.cwd(), 'PROTOCOL.md'), 'utf8');
const code = /^## A client in a dozen lines\n+```js\n(.*?)```/ms.exec(page)![1]!;
const ADDRESS = 'ws://localhost:3005/ws';

interface Client {
  socket: WebSocket;
  emit(event: string, data?: unknown): void;
  ask(event: string, data?: unknown, id?: string | number): Promise<unknown>;
}

type Run = (
  socket: new (address: string) => WebSocket,
  console: { log(...what: unknown[]): string },
) => Client;

describe('the client in a dozen lines of PROTOCOL.md', () => {
  let app: TestApp;
  let client: Client;
  let logged: unknown[][];
  beforeEach(async () => {
    app = await startFixture();
    logged = [];
    const log = (...what: unknown[]): string => {
      logged.push(what);
      return `heard ${String(what[0])}`;
    };
    expect(code).toContain(ADDRESS);
    const run = runInThisContext(`(WebSocket, console) => { ${code}; return { socket, emit, ask }; }`) as Run;
    // a bare URL: neither header nor subprotocol
    const url = app.url('/protocol');
    client = run(
      class extends WebSocket {
        constructor(address: string) {
          expect(address).toBe(ADDRESS);
          super(url);
        }
      },
      { log },
    );
    await new Promise((resolve) => client.socket.on('open', resolve));
  });
  afterEach(() => app.close());

  it('sends requests, and receives responses and exceptions', async () => {
    expect(await Promise.all([client.ask('echo', 1), client.ask('echo', [2])])).toEqual([1, [2]]);
    expect(await client.ask('nothing')).toBeUndefined();
    await expect(client.ask('fail', 'no')).rejects.toMatchObject({ message: 'no' });
    await expect(client.ask('what?')).rejects.toMatchObject({ code: 'unknown_event' });
  });

  it('sends and receives events', async () => {
    client.emit('tell', 'hello');
    await client.ask('echo');
    expect(logged).toEqual([['told', 'hello']]);
  });

  it('answers requests of the server', async () => {
    expect(await client.ask('ask', 'well?')).toBe('heard question');
    expect(logged).toEqual([['question', 'well?']]);
  });

  it('rejects open requests when the connection closes', async () => {
    const never = client.ask('never');
    client.emit('goodbye');
    await expect(never).rejects.toThrow('closed');
  });
});
