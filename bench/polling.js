// A client of Engine.IO's HTTP long polling that costs almost nothing. It has the methods of the WebSocket client in wire.js.
import { connect } from 'node:net';

/** Between the packets of one body. */
const SEPARATOR = '\x1e';
const PING = '2';
const PONG = '3';

/** Sends one request after the other on one TCP connection. The server answers each with a `Content-Length`. */
class Requests {
  #tcp;
  #received = '';
  #answered;

  static open(port, localAddress) {
    return new Promise((resolve, reject) => {
      const tcp = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
      tcp.once('error', reject);
      tcp.once('connect', () => resolve(new Requests(tcp)));
    });
  }

  constructor(tcp) {
    this.#tcp = tcp;
    tcp.on('data', (chunk) => this.#receive(chunk));
    tcp.on('close', () => this.#answered?.reject(new Error('the server closed the connection')));
  }

  /** Resolves with the body of the response. */
  ask(method, path, body = '') {
    return new Promise((resolve, reject) => {
      this.#answered = { resolve, reject };
      const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.#tcp.remotePort}\r\n`;
      const content =
        method === 'POST' ? `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n` : '';
      this.#tcp.write(`${head}${content}\r\n${body}`);
    });
  }

  close() {
    this.#answered = undefined;
    this.#tcp.destroy();
  }

  #receive(chunk) {
    this.#received += chunk.toString('latin1');
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#received)?.[1]);
    if (!(this.#received.length - end - 4 >= length)) return;
    const isOk = this.#received.startsWith('HTTP/1.1 200');
    const body = this.#received.slice(end + 4);
    this.#received = '';
    const { resolve, reject } = this.#answered;
    this.#answered = undefined;
    if (isOk) resolve(body);
    else reject(new Error(body.slice(0, 200)));
  }
}

/** One client: a request that waits for packets, and one that sends them. */
export class PollingConnection {
  /** Called with this connection for each message, and with whether it is a broadcast. */
  onMessage = () => undefined;
  #polls;
  #posts;
  #path;
  #wire;
  #waiting = [];
  #isPosting = false;
  #isOpen = true;

  /** Opens a connection. Resolves when the namespace has accepted the client. */
  static async open(port, wire, localAddress) {
    const [polls, posts] = await Promise.all([
      Requests.open(port, localAddress),
      Requests.open(port, localAddress),
    ]);
    const { sid } = JSON.parse((await polls.ask('GET', wire.path)).slice(1));
    const connection = new PollingConnection(polls, posts, `${wire.path}&sid=${sid}`, wire);
    const joined = new Promise((resolve) => (connection.onMessage = resolve));
    connection.write(wire.connect);
    void connection.#poll();
    await joined;
    connection.onMessage = () => undefined;
    return connection;
  }

  constructor(polls, posts, path, wire) {
    this.#polls = polls;
    this.#posts = posts;
    this.#path = path;
    this.#wire = wire;
  }

  write(packet) {
    this.#waiting.push(packet);
    if (!this.#isPosting) void this.#post();
  }

  drop() {
    this.#isOpen = false;
    this.#polls.close();
    this.#posts.close();
  }

  /** Sends Engine.IO's "close". Resolves when the server has taken it. */
  async close() {
    this.#isOpen = false;
    await this.#posts.ask('POST', this.#path, '1');
    this.drop();
  }

  async #post() {
    this.#isPosting = true;
    // what is sent in the same turn goes out in one request, as a client of Socket.IO does it
    await Promise.resolve();
    while (this.#waiting.length > 0 && this.#isOpen) {
      const packets = this.#waiting;
      this.#waiting = [];
      await this.#posts.ask('POST', this.#path, packets.join(SEPARATOR));
    }
    this.#isPosting = false;
  }

  async #poll() {
    while (this.#isOpen) {
      const body = await this.#polls.ask('GET', this.#path);
      for (const packet of body.split(SEPARATOR)) {
        if (packet === PING) this.write(PONG);
        else this.onMessage(this, packet.startsWith(this.#wire.broadcast));
      }
    }
  }
}
