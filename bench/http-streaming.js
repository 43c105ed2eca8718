// A client of the envelope over HTTP that costs almost nothing. It has the methods of the WebSocket client in wire.js.
import { connect } from 'node:net';

const openTcp = (port, localAddress) =>
  new Promise((resolve, reject) => {
    const tcp = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    tcp.once('error', reject);
    tcp.once('connect', () => resolve(tcp.setEncoding('latin1')));
  });

const head = (action, port, length, lines) =>
  `POST /ws?envelope=${action} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: ${length}\r\n${lines}\r\n\r\n`;

/** One client: a response that brings messages, and requests that carry them, one after the other. */
export class HttpStreamingConnection {
  /** Called with this connection for each message, and with whether it is a broadcast. */
  onMessage = () => undefined;
  #down;
  #up;
  #port;
  #broadcast;
  #key;
  #seq = 0;
  #have = 0;
  #rest = '';
  #waiting = [];
  #isPosting = false;

  /** Opens a connection. Resolves with the first message. */
  static async open(port, wire, localAddress) {
    const [down, up] = await Promise.all([openTcp(port, localAddress), openTcp(port, localAddress)]);
    const connection = new HttpStreamingConnection(down, up, port, wire);
    const opened = new Promise((resolve) => (connection.onMessage = resolve));
    down.write(`${head('open', port, 2, 'Content-Type: application/json')}{}`);
    await opened;
    connection.onMessage = () => undefined;
    return connection;
  }

  constructor(down, up, port, wire) {
    this.#down = down;
    this.#up = up;
    this.#port = port;
    this.#broadcast = wire.broadcast;
    down.on('data', (text) => this.#receive(text));
    up.on('data', (text) => this.#posted(text));
  }

  #receive(text) {
    // lines of the chunked encoding are neither messages nor arrays
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith('{')) {
        this.#have++;
        this.onMessage(this, line.startsWith(this.#broadcast));
      } else if (line.startsWith('["line"')) {
        this.#key = JSON.parse(line)[1];
      } else if (line.startsWith('["beat"')) {
        this.#post('', `Envelope-Have: ${this.#have}\r\n`);
      }
    }
  }

  write(message) {
    this.#waiting.push(message);
    if (!this.#isPosting) void this.#postAll();
  }

  async #postAll() {
    this.#isPosting = true;
    // what is sent in the same turn goes out in one request
    await Promise.resolve();
    const body = this.#waiting.join('');
    this.#waiting = [];
    this.#post(body, `Envelope-Seq: ${++this.#seq}\r\nContent-Type: application/x-ndjson\r\n`);
  }

  #post(body, lines) {
    this.#up.write(`${head('send', this.#port, body.length, `${lines}Envelope-Line: ${this.#key}`)}${body}`);
  }

  #posted(text) {
    if (!text.startsWith('HTTP/1.1 204')) throw new Error(text.slice(0, 200));
    this.#isPosting = false;
    if (this.#waiting.length > 0) void this.#postAll();
  }

  drop() {
    this.#down.destroy();
    this.#up.destroy();
  }

  async close() {
    const body = '{"code":1000}';
    this.#up.write(`${head('close', this.#port, body.length, `Envelope-Line: ${this.#key}`)}${body}`);
    await new Promise((resolve) => this.#down.once('end', resolve));
    this.drop();
  }
}
