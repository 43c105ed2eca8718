import { $, h } from '../dom.js';
import { actionButtons } from './actions.js';
import { AdminConnection } from './admin-connection.js';
import { AuditView } from './audit-view.js';
import { blocksView } from './blocks-view.js';
import { ConnectionView } from './connection-view.js';
import { connectionsView } from './connections-view.js';
import { OverviewView } from './overview-view.js';
import { refusalsView } from './refusals-view.js';
import { readRoute, routeTo } from './route.js';
import { roomsView } from './rooms-view.js';
import { endedBy, REFUSED, signInView } from './sign-in.js';
import { StatePanel } from './state-panel.js';
import { Troubles } from './troubles.js';
import { Watch } from './watch.js';

/** `open` returns the view of the context and the route; `openOne` that of one thing which the route names. */
const VIEWS = [
  { path: '', title: 'Overview', open: (context) => new OverviewView(context) },
  {
    path: 'connections',
    title: 'Connections',
    open: connectionsView,
    openOne: (context, route) => new ConnectionView(context, route),
  },
  { path: 'rooms', title: 'Rooms', open: roomsView },
  { path: 'refused', title: 'Refused', open: refusalsView },
  { path: 'blocks', title: 'Blocks', open: blocksView },
  { path: 'audit', title: 'Audit', open: (context) => new AuditView(context) },
];

/** Milliseconds before the first request is repeated. */
const HELLO_DELAY = 2_000;

/** The console: its connection, and the view that the address of the page names. */
class Console {
  #closeCodes;
  #connection;
  #state;
  #watch;
  #troubles = new Troubles();
  /** The shown view; `undefined` before the sign-in. */
  #view = undefined;
  #context = undefined;
  /** Whether the user has tried to sign in since the console was connected. */
  #hasTried = false;

  constructor({ closeCodes, hasExplorer }) {
    this.#closeCodes = closeCodes;
    $('explorer').hidden = !hasExplorer;
    const url = new URL('live', import.meta.url);
    url.protocol = url.protocol.replace('http', 'ws');
    this.#connection = new AdminConnection(url, closeCodes, isReachable);
    this.#state = new StatePanel(this.#connection);
    this.#watch = new Watch((event, data) => this.#request(event, data), closeCodes);
    this.#connection.addEventListener('state', () => this.#stateChanged());
    addEventListener('hashchange', () => this.#context !== undefined && this.#show(true));
    $('skip').addEventListener('click', (event) => {
      // the fragment of the address is the view
      event.preventDefault();
      $('view').focus();
    });
    this.#connection.signIn(undefined);
  }

  #stateChanged() {
    const { state } = this.#connection;
    if (state === 'open') void this.#opened();
    if (state === 'refused') this.#askToSignIn(REFUSED);
    if (state === 'ended') this.#askToSignIn(endedBy(this.#connection.lastClose, this.#closeCodes));
    if (state !== 'open') this.#watch.stop();
  }

  async #opened() {
    let hello;
    try {
      hello = await this.#request('hello');
    } catch {
      // the trouble is shown; a lost connection is opened again
      setTimeout(() => this.#connection.state === 'open' && void this.#opened(), HELLO_DELAY);
      return;
    }
    this.#hasTried = false;
    const { user, readOnly } = hello;
    $('mode').hidden = !readOnly;
    this.#state.detail = user === undefined ? '' : `as ${user}`;
    this.#watch.start(hello.interval);
    if (this.#view !== undefined && isSameAdmin(hello, this.#context.hello)) return this.#view.refresh?.();
    this.#context = this.#newContext(hello);
    if (this.#watch.overview === undefined)
      this.#watch.addEventListener('overview', () => this.#context && this.#show(false), { once: true });
    else this.#show(false);
  }

  #newContext(hello) {
    const request = (event, data) => this.#request(event, data);
    const done = (text) => {
      this.#troubles.tell(text);
      this.#view?.refresh?.();
    };
    return { hello, request, watch: this.#watch, actions: { buttons: actionButtons(request, hello, done) } };
  }

  async #request(event, data) {
    try {
      const answer = await this.#connection.request(event, data);
      this.#troubles.end(event);
      return answer;
    } catch (error) {
      if (error.code === 'forbidden') this.#connection.refuse();
      else if (this.#connection.state === 'open') this.#troubles.begin(event, error);
      throw error;
    }
  }

  /** Shows the view that the address names. @param isMoved whether the user has chosen it: then its title gets the focus */
  #show(isMoved) {
    const route = readRoute();
    const found = VIEWS.find(({ path }) => path === route.view) ?? VIEWS[0];
    const open = (route.names.length > 0 && found.openOne) || found.open;
    this.#view?.close();
    this.#troubles.clear();
    this.#view = open(this.#context, route);
    $('view').replaceChildren(this.#view.element);
    $('view').scrollTop = 0;
    document.title = `${this.#view.title} · Console`;
    this.#showNavigation(found);
    if (isMoved) $('view').querySelector('h2').focus({ preventScroll: true });
  }

  #showNavigation(current) {
    $('views').hidden = false;
    const list = $('views').firstElementChild ?? $('views').appendChild(h('ul', null));
    if (list.children.length === 0)
      list.append(...VIEWS.map(({ path, title }) => h('li', null, h('a', { href: routeTo(path) }, title))));
    VIEWS.forEach((view, index) => {
      const link = list.children[index].firstElementChild;
      if (view === current) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    });
  }

  #askToSignIn(reason) {
    this.#view?.close();
    this.#view = this.#context = undefined;
    $('views').hidden = true;
    document.title = `${reason.title} · Console`;
    const signIn = (token) => {
      this.#hasTried = true;
      this.#connection.signIn(token);
    };
    $('view').replaceChildren(signInView(reason, signIn));
    // the page asked with another form before, which had the focus
    if (this.#hasTried) $('token').focus();
  }
}

/** Whether the page can stay as it is after it has reconnected, perhaps to another node. */
function isSameAdmin(one, other) {
  return ['user', 'readOnly', 'payloads', 'maxRows'].every((name) => one[name] === other[name]);
}

/** Whether the server answers over HTTP. */
async function isReachable() {
  const response = await fetch(new URL('settings.json', import.meta.url), { cache: 'no-store' }).catch(
    () => undefined,
  );
  return response?.ok === true;
}

try {
  const response = await fetch(new URL('settings.json', import.meta.url));
  if (!response.ok) throw new Error(`The server answered with status ${response.status}.`);
  new Console(await response.json());
} catch (error) {
  $('view').replaceChildren(
    h('h2', null, 'The console cannot be shown'),
    h('p', { class: 'warning', role: 'alert' }, error.message),
  );
}
