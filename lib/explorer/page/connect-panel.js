import { $, h, prose } from './dom.js';
import { subprotocols } from './connection.js';

const WORDS = { closed: 'Not connected', connecting: 'Connecting…', open: 'Connected' };

/** Where to connect, with what, and how that stands. */
export class ConnectPanel {
  #connection;
  #channels;
  #closeCodes;
  #parameters = new Map();
  #onConnect;

  /** @param onConnect is told the channel of each line that is opened */
  constructor(connection, { channels }, { closeCodes }, onConnect) {
    this.#connection = connection;
    this.#onConnect = onConnect;
    this.#channels = channels;
    this.#closeCodes = closeCodes;
    $('path').append(...channels.map(({ key, address }) => h('option', { value: key }, address)));
    $('path').addEventListener('change', () => this.#showParameters());
    $('connect-form').addEventListener('input', () => this.#showUrl());
    $('connect-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#open();
    });
    $('disconnect').addEventListener('click', () => connection.close());
    connection.addEventListener('state', () => this.#showState());
    $('connect').disabled = channels.length === 0;
    this.#showParameters();
  }

  /** Proposes the channel that is looked at, unless a line is open. */
  propose(channel) {
    if (channel === undefined || this.#connection.state !== 'closed' || $('path').value === channel.key)
      return;
    this.#choose(channel);
  }

  /** Leaves the line for one to another channel: at once, or by way of the form where that is to be filled in. */
  switchTo(channel) {
    this.#choose(channel);
    const needsToken = channel.takes.some(({ security }) => security.length > 0);
    if (channel.parameters.length === 0 && !needsToken) return this.#open();
    const fields = [...$('parameters').querySelectorAll('input'), ...(needsToken ? [$('token')] : [])];
    const next = fields.find(({ value }) => value === '') ?? $('connect');
    this.#connection.addEventListener('state', () => next.focus(), { once: true });
    this.#connection.close();
  }

  #choose(channel) {
    $('path').value = channel.key;
    this.#showParameters();
  }

  get #channel() {
    return this.#channels.find(({ key }) => key === $('path').value);
  }

  #showParameters() {
    const fields = (this.#channel?.parameters ?? []).map(({ name, description, values, initial }) => {
      const input = values
        ? h(
            'select',
            null,
            values.map((value) => h('option', null, value)),
          )
        : h('input', {
            autocomplete: 'off',
            spellcheck: 'false',
            required: true,
            placeholder: prose(description)?.textContent,
          });
      input.value = this.#parameters.get(name) ?? initial ?? input.value;
      input.dataset.parameter = name;
      input.addEventListener('input', () => this.#parameters.set(name, input.value));
      return h('label', { class: 'field wide' }, h('span', null, `{${name}}`), input);
    });
    $('parameters').replaceChildren(...fields);
    this.#showUrl();
  }

  #showUrl() {
    // a token is nothing to be shown
    $('url').textContent = this.#channel === undefined ? '' : this.#url('…');
  }

  #url(token = $('token').value) {
    const { address, server } = this.#channel;
    const path = address.replace(/\{([^}]+)\}/g, (whole, name) => {
      const input = [...$('parameters').querySelectorAll('input, select')].find(
        ({ dataset }) => dataset.parameter === name,
      );
      return input?.value ? encodeParameter(input.value) : whole;
    });
    const isInQuery = $('token-as').value === 'query' && $('token').value !== '';
    return (
      originOf(server) +
      path +
      (isInQuery ? `?token=${token === '…' ? token : encodeURIComponent(token)}` : '')
    );
  }

  #open() {
    const token = $('token-as').value === 'query' ? '' : $('token').value.trim();
    const credentials = token === '' ? undefined : credentialsOf(token);
    this.#connection.open(this.#url(), subprotocols({ isVersioned: $('versioned').checked, credentials }));
    this.#onConnect(this.#channel);
  }

  #showState() {
    const { state, ended } = this.#connection;
    const isFailed = state === 'closed' && ended?.isOurs === false;
    const panel = $('state');
    panel.dataset.state = isFailed ? (ended.wasOpen ? 'ended' : 'refused') : state;
    panel.querySelector('b').textContent = isFailed
      ? ended.wasOpen
        ? `Closed with ${ended.code}`
        : 'Refused'
      : WORDS[state];
    $('state-detail').textContent = isFailed
      ? this.#reasonOf(ended)
      : state === 'open'
        ? this.#connection.path
        : '';
    $('disconnect').hidden = state === 'closed';
    $('connect-form').hidden = state === 'open';
    $('connect').disabled = state !== 'closed';
  }

  #reasonOf({ code, reason, wasOpen }) {
    if (!wasOpen) {
      return (
        'A browser does not say why. The status is in the network tab of its tools: 401 or 403 are a guard or a ' +
        'foreign origin, 404 no gateway on this path, 429 and 503 a limit.'
      );
    }
    const row = this.#closeCodes.find((one) => one.code === code);
    const means = row?.means ?? OWN[code] ?? 'a code of the application';
    const back = row && `A client comes back: ${row.reconnect}.`;
    return [`${means}.`, reason && `Reason: “${reason}”.`, back].filter(Boolean).join(' ');
  }
}

/** What no server sends: the browser says so itself. */
const OWN = { 1005: 'a goodbye without a code', 1006: 'no close frame: the line broke' };

/** The page's own origin, or that of a gateway on a port of its own. */
function originOf(server) {
  const isSecure = location.protocol === 'https:';
  if (server?.host === undefined) return `${isSecure ? 'wss' : 'ws'}://${location.host}`;
  const host = server.host.replace(/^localhost(?=:|$)/, location.hostname);
  return `${server.protocol === 'wss' ? 'wss' : 'ws'}://${host}`;
}

/** One segment of a path; with a / in front several, as RegExp namespaces and wildcards take them. */
function encodeParameter(value) {
  if (!value.startsWith('/')) return encodeURIComponent(value);
  return value.slice(1).split('/').map(encodeURIComponent).join('/');
}

/** A JSON object is taken as it is, whatever else is a token. */
function credentialsOf(text) {
  if (!text.startsWith('{')) return { token: text };
  try {
    return JSON.parse(text);
  } catch {
    return { token: text };
  }
}
