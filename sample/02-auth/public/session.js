/**
 * The session of this tab. Keeps the access token in memory. The refresh token is in a cookie that scripts cannot read.
 */
export class Session extends EventTarget {
  user;
  token;
  /** Milliseconds since the epoch, by the clock of this machine. */
  expiresAt = 0;
  /** The lifetime of an access token in seconds. */
  lifetime = 0;
  /** Whether a token is replaced before it expires. */
  isRenewed = true;
  /** The last token that expired. */
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

  /** Requests a new access token. */
  async refresh(user = this.user) {
    this.#keep(user, await this.#call('POST', '/refresh', { user }));
  }

  /** Returns a token that is valid for at least 40 % of its lifetime. Concurrent calls share one refresh. */
  async current() {
    const enough = this.isRenewed ? 0.4 * this.lifetime * 1_000 : 0;
    if (this.expiresAt - Date.now() <= enough) {
      await (this.#refreshing ??= this.refresh().finally(() => (this.#refreshing = undefined)));
    }
    return this.token;
  }

  /** Marks the token as expired: the server reported it, and the clock of this machine may differ. */
  end() {
    this.expired = this.token;
    this.expiresAt = 0;
  }

  async logout() {
    const { user } = this;
    this.user = this.token = undefined;
    await this.#call('DELETE', '/refresh', { user });
  }

  /** Requests a gateway's URL over HTTP, because a page can see the status there. */
  async fetchStatus(path, token) {
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
