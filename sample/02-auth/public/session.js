/**
 * Who is signed in, in this tab. The access token is kept here, in memory; the refresh token is in a cookie that the
 * browser keeps from us.
 */
export class Session extends EventTarget {
  user;
  token;
  /** By the clock of this machine. */
  expiresAt = 0;
  /** Seconds that a token lives. */
  lifetime = 0;
  /** The last token that is over. */
  expired;
  #journal;
  #refreshing;

  constructor(journal) {
    super();
    this.#journal = journal;
  }

  get claims() {
    const [, payload] = this.token.split('.');
    return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
  }

  async login(user, password) {
    this.#keep(user, await this.#call('POST', '/login', { user, password }));
  }

  /** A fresh access token. */
  async refresh(user = this.user) {
    this.#keep(user, await this.#call('POST', '/refresh', { user }));
  }

  /** A token that will do for a while; several who ask at a time wait for the same one. */
  async current() {
    if (this.expiresAt - Date.now() < 1_000) {
      await (this.#refreshing ??= this.refresh().finally(() => (this.#refreshing = undefined)));
    }
    return this.token;
  }

  /** The server says that the token is over, whatever our clock says. */
  end() {
    this.expired = this.token;
    this.expiresAt = 0;
  }

  async logout() {
    const { user } = this;
    this.user = this.token = undefined;
    await this.#call('DELETE', '/refresh', { user });
  }

  /** What the server says of a gateway's URL over HTTP, where a page may see the status. */
  async askTheDoor(path, token) {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return this.#fetch('GET', path, { headers });
  }

  async #call(method, path, body) {
    const answer = await this.#fetch(method, path, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (answer.status >= 400) throw Object.assign(new Error(answer.message), { status: answer.status });
    return answer;
  }

  async #fetch(method, path, options) {
    const response = await fetch(path, { method, cache: 'no-store', ...options });
    const answer = await response.json().catch(() => ({}));
    const message = response.ok ? '' : String(answer.message ?? response.statusText);
    this.#journal.note(response.status, `${method} ${path}`, message);
    return { ...answer, status: response.status, message };
  }

  #keep(user, { accessToken, expiresIn }) {
    const { token, expiresAt } = this;
    if (token !== undefined) setTimeout(() => (this.expired = token), expiresAt - Date.now());
    Object.assign(this, { user, token: accessToken, lifetime: expiresIn });
    this.expiresAt = Date.now() + expiresIn * 1_000;
    this.dispatchEvent(new Event('token'));
  }
}
