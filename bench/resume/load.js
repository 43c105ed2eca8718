// The clients of the resume bench, in a process of their own. They cost almost nothing: they write prebuilt requests, and
// search what they receive for a few texts.
import { once } from 'node:events';
import { connect } from 'node:net';
import { pause, serve } from '../processes.js';
import { frameOf } from '../wire.js';

const NEWS = Buffer.from('"event":"news"');
const OFFSET = Buffer.from('"offset":"');
const SESSION = /"event":"\$session","data":\{.*?"recovered":(true|false),"session":"([^"]+)"/;
const ANSWER = /"ack":1|"id":1/;

const encode = (auth) => `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`;

/** Each client has an address of its own, since the work of one address is limited. */
const addressOf = (index) => `127.${1 + (index >> 14)}.${(index >> 7) & 127}.${1 + (index & 127)}`;

class Client {
  /** The messages of the present connection. */
  news = 0;
  session;
  #address;
  #offset;
  #port;
  #tcp;
  #text = '';
  /** What is awaited: a pattern, and the function to call with the match. */
  #awaited;

  constructor(index) {
    this.#address = addressOf(index);
  }

  /** Connects. Resolves when `$session` has arrived, with whether the session was recovered. */
  async connect(port) {
    this.#port = port;
    this.news = 0;
    this.#tcp = connect({ port, host: '127.0.0.1', localAddress: this.#address, noDelay: true });
    await once(this.#tcp, 'connect');
    this.#tcp.on('data', (chunk) => this.#receive(chunk));
    this.#tcp.on('close', () => this.#awaited?.reject(new Error(`closed: ${this.#text.slice(0, 500)}`)));
    this.#tcp.on('error', () => undefined);
    const [, recovered, token] = await this.#request(this.#upgrade(), SESSION);
    this.session = token;
    return recovered === 'true';
  }

  ask(event, data) {
    return this.#request(frameOf(JSON.stringify({ event, data, id: 1 })), ANSWER);
  }

  drop() {
    this.#tcp.destroy();
  }

  #upgrade() {
    const auth = { session: this.session, offset: this.session && this.#offset };
    return (
      `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
      `Sec-WebSocket-Protocol: envelope.v1, ${encode(auth)}\r\n\r\n`
    );
  }

  #request(bytes, pattern) {
    this.#text = '';
    this.#tcp.write(bytes);
    return new Promise((resolve, reject) => (this.#awaited = { pattern, resolve, reject }));
  }

  #receive(chunk) {
    for (let at = chunk.indexOf(NEWS); at >= 0; at = chunk.indexOf(NEWS, at + 1)) this.news++;
    const offset = chunk.lastIndexOf(OFFSET);
    if (offset >= 0) {
      const from = offset + OFFSET.length;
      const end = chunk.indexOf('"', from);
      if (end > 0) this.#offset = chunk.latin1Slice(from, end);
    }
    if (this.#awaited === undefined) return;
    this.#text += chunk.latin1Slice();
    const match = this.#awaited.pattern.exec(this.#text);
    if (match === null) return;
    this.#awaited.resolve(match);
    this.#awaited = undefined;
  }
}

const all = [];
let bystander;
let isWatching = false;

serve({
  // connects the clients, each in one of the rooms, and one more
  async connect({ port, clients, rooms }) {
    while (all.length < clients) {
      const from = all.length;
      const batch = Array.from({ length: Math.min(100, clients - from) }, (_, i) => new Client(from + i));
      await Promise.all(
        batch.map(async (client, i) => {
          await client.connect(port);
          if (rooms > 0) await client.ask('join', `room ${(from + i) % rooms}`);
        }),
      );
      all.push(...batch);
    }
    bystander = new Client(clients);
    await bystander.connect(port);
    // the positions that follow the joins
    await pause(200);
  },
  cut() {
    for (const client of all) client.drop();
  },
  // all clients connect at once; resolves when each has received `missed` messages
  async storm({ port, missed, isNew }) {
    if (isNew) for (const client of all) client.session = undefined;
    const begin = performance.now();
    const recovered = (await Promise.all(all.map((client) => client.connect(port)))).filter(Boolean).length;
    for (let waits = 0; all.some(({ news }) => news < missed); waits++) {
      if (waits > 3_000) throw new Error(`clients received ${all.map(({ news }) => news).join(' ')}`);
      await pause(10);
    }
    return { recovered, seconds: (performance.now() - begin) / 1_000 };
  },
  // a client asks one question after the other; returns the times of the answers, the slowest first
  async watch() {
    isWatching = true;
    const times = [];
    while (isWatching) {
      const at = performance.now();
      await bystander.ask('echo', 1);
      times.push(performance.now() - at);
      await pause(1);
    }
    return times.toSorted((a, b) => b - a);
  },
  endWatch: () => void (isWatching = false),
});
