import { connect } from 'nestjs-envelope/client';
import type { ClientSocket } from '../client/client-socket.js';
import { toWebSocketUrl } from '../client/connect.js';
import type { ClientOptions, Credentials } from '../client/options.js';

/** Milliseconds between the last release of a connection and its end. A component that is mounted meanwhile keeps it. */
const CLOSE_AFTER = 1_000;

type Auth = ClientOptions['auth'];

/** Of this page, by URL and credentials. */
const connections = new Map<string, SharedConnection>();

/** The client of one URL with its credentials, shared and counted. It connects when the first holder retains it. */
export class SharedConnection {
  readonly socket: ClientSocket;
  /** The function of the latest render, if `auth` is a function. */
  auth: Auth;
  #holders = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether `retain` connects: never connected yet, or closed by `#close`. */
  #isResting: boolean;
  readonly #key: string;

  /**
   * Returns the connection of that URL and those credentials. A new one is forgotten unless it is retained soon: React may
   * drop a render.
   *
   * @param identity the credentials, or a function that stands for all later ones of its component
   * @throws TypeError as `connect`
   */
  static of(url: string | URL, identity: Auth, options: ClientOptions = {}): SharedConnection {
    const address = toWebSocketUrl(url, 'EnvelopeProvider');
    const key = `${address} ${nameOf(identity)}`;
    let shared = connections.get(key);
    if (shared === undefined || shared.#isForsaken) {
      shared = new SharedConnection(key, address, identity, options);
      connections.set(key, shared);
      shared.#closeLater();
    }
    return shared;
  }

  private constructor(key: string, address: string, auth: Auth, options: ClientOptions) {
    this.#key = key;
    this.auth = auth;
    this.#isResting = options.autoConnect !== false;
    const latest = (): Credentials | undefined | Promise<Credentials | undefined> =>
      typeof this.auth === 'function' ? this.auth() : this.auth;
    this.socket = connect(address, {
      ...options,
      autoConnect: false,
      auth: typeof auth === 'function' ? latest : auth,
    });
  }

  /** Whether the application ended it, and nobody holds it any more: who comes now wants a connection. */
  get #isForsaken(): boolean {
    return this.#holders === 0 && !this.#isResting && this.socket.state === 'closed';
  }

  /** Connects, unless another holder did. Returns a function that releases the connection again. */
  retain(): () => void {
    this.#holders++;
    clearTimeout(this.#timer);
    // forgotten between its render and now, or hidden for longer than CLOSE_AFTER
    if (!connections.has(this.#key)) connections.set(this.#key, this);
    if (this.#isResting) this.socket.connect();
    this.#isResting = false;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      if (--this.#holders === 0) this.#closeLater();
    };
  }

  #closeLater(): void {
    this.#timer = setTimeout(() => {
      if (connections.get(this.#key) === this) connections.delete(this.#key);
      // a client that the application leaves unconnected stays so
      if (this.socket.state === 'idle') return;
      this.socket.disconnect();
      this.#isResting = true;
    }, CLOSE_AFTER);
    // a test in Node need not wait for it
    (this.#timer as { unref?: () => void }).unref?.();
  }
}

const functions = new WeakMap<object, number>();
let count = 0;

/** Returns a text that is the same for the same credentials. */
function nameOf(auth: Auth): string {
  if (typeof auth !== 'function') return JSON.stringify(auth) ?? '';
  let id = functions.get(auth);
  if (id === undefined) functions.set(auth, (id = ++count));
  return `function ${id}`;
}
