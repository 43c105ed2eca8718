import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { Cli, cli, cliHere, jsonLines } from '../support/cli.js';

/** Clears a screen, sets a title, begins sequences by one byte, and turns the direction of text. */
const EVIL = '\x1b[2J\x1b]0;title\x07\x9b31m\x7f\r\n\u202egnp.exe\u2028';
/** What only terminals should get from us. */
const CONTROL = /(?!\n)[\p{Cc}\u2028\u202e]/u;

describe('nestjs-envelope against a hostile server', () => {
  let http: Server;
  let server: WebSocketServer;
  let serve: (socket: WebSocket) => void;
  const url = (path = '/'): string => `127.0.0.1:${(http.address() as AddressInfo).port}${path}`;
  const send = (socket: WebSocket, message: unknown): void => socket.send(JSON.stringify(message));

  beforeAll(async () => {
    http = createServer();
    server = new WebSocketServer({ noServer: true });
    http.on('upgrade', (request, socket, head) => {
      if (request.url === '/refused') {
        socket.end(`HTTP/1.1 403 No\r\nContent-Length: ${Buffer.byteLength(EVIL)}\r\n\r\n${EVIL}`);
        return;
      }
      server.handleUpgrade(request, socket, head, (client) => {
        client.on('error', () => undefined);
        send(client, { event: '$session', data: { id: EVIL } });
        serve(client);
      });
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    for (const client of server.clients) client.terminate();
    http.close();
  });

  it('prints nothing that controls a terminal', async () => {
    serve = (socket) => {
      send(socket, { event: EVIL, data: { [EVIL]: EVIL } });
      socket.send(`not JSON ${EVIL}`);
      socket.on('message', (text) => {
        const { id, event } = JSON.parse(String(text)) as { id?: number; event: string };
        if (event === 'answer') send(socket, { event, data: EVIL, ack: id });
        else if (event === 'refuse') send(socket, { event: 'exception', data: { message: EVIL }, ack: id });
        else socket.close(4000, '\x1b[2J\x9b31m');
      });
    };
    const results = await Promise.all([
      cliHere(['ask', url(), 'answer']),
      cliHere(['ask', url(), 'answer', '--json']),
      cliHere(['ask', url(), 'refuse']),
      cliHere(['ask', url(), 'close']),
      cliHere(['ask', url('/refused'), 'x']),
      cliHere(['watch', url(), '--count', '1']),
      cliHere(['load', url(), 'refuse', ...'-c 1 -r 100 -d 50ms'.split(' ')]),
      cli(['connect', url()], { input: 'ask answer\nask refuse\nemit close\nwait\nwait 1m' }),
    ]);
    expect(results.map(({ code }) => code)).toEqual([0, 0, 1, 3, 3, 0, 1, 3]);
    for (const { stdout, stderr } of results) {
      expect(`${stdout}${stderr}`).not.toMatch(CONTROL);
      expect(`${stdout}${stderr}`).toMatch(/\\u001b|connected/);
    }
    const [, json] = results;
    // the escapes are those of JSON
    expect(jsonLines(json!.stdout)).toMatchObject([{ data: EVIL }]);
  });

  it('prints nothing of the server that controls a terminal, on a terminal', async () => {
    serve = (socket) => send(socket, { event: EVIL, data: EVIL });
    const watch = new Cli(['watch', url(), '--count', '1'], { isTerminal: true });
    const { stdout } = await watch.ended;
    expect(stdout).toContain('\\u001b[2J');
    // what remains are our colours
    expect(stdout.replace(/\p{Cc}\[\d+m|\r\n/gu, '')).not.toMatch(CONTROL);
  });

  it('completes no name of an event that controls a terminal', async () => {
    serve = (socket) => {
      send(socket, { event: EVIL });
      send(socket, { event: 'good' });
    };
    const connect = new Cli(['connect', url()], { isTerminal: true });
    await connect.prints('Write help for help');
    await connect.prints('{"event":"good"}');
    connect.write('emit ');
    await connect.prints('emit ');
    connect.write('\t');
    await connect.prints('emit good');
    connect.write('\r');
    await connect.prints('> \x1b[39m{"event":"good"}');
    connect.write('\x04');
    const { stdout } = await connect.ended;
    expect(stdout).toContain('\\u001b[2J');
    expect(stdout).not.toMatch(/\p{Cc}\]0;|\p{Cc}\[2J|[\u009b\u202e]/u);
  });

  it('survives data that is nested deeply, long, or malformed', async () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    serve = (socket) => {
      socket.send(`{"event":"deep","data":${deep}}`);
      send(socket, { event: 'long', data: 'x'.repeat(50_000) });
      for (const text of ['', 'null', '[]', '{"event":1}', '{"ack":{}}', '{"event":"__proto__","data":1}'])
        socket.send(text);
      socket.send(Buffer.from([0xff, 0xfe]));
      send(socket, { event: 'last' });
      socket.on('message', () => undefined);
    };
    const [watch, connect, json] = await Promise.all([
      cliHere(['watch', url(), '--count', '4', '--json']),
      cli(['connect', url()]),
      cli(['connect', url(), '--json']),
    ]);
    expect(watch.code).toBe(0);
    expect(jsonLines(watch.stdout).map(({ event }) => event)).toEqual(['deep', 'long', '__proto__', 'last']);
    expect(jsonLines(watch.stdout)[0]).toMatchObject({
      data: expect.stringContaining('not shown: RangeError'),
    });
    expect([connect.code, json.code]).toEqual([0, 0]);
    // a person sees the beginning of a long message
    expect(Math.max(...connect.stdout.split('\n').map(({ length }) => length))).toBeLessThan(11_000);
    expect(connect.stdout).toContain('characters)');
    expect(jsonLines(json.stdout).at(-1)).toMatchObject({ message: { event: 'last' } });
  });
});
