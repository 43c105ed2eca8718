import { $, h, prose } from './dom.js';
import { PACKED, subprotocols } from './connection.js';

const STATE_LABELS = { closed: 'Not connected', connecting: 'Connecting…', open: 'Connected' };

/** The form that connects: channel, parameters and credentials. It also shows the state of the connection. */
export class ConnectPanel {
  #connection;
  #channels;
  #closeCodes;
  #parameters = new Map();
  #onConnect;

  /** @param onConnect called with the channel of each new connection */
  constructor(connection, { channels }, { closeCodes, encodings = [] }, onConnect) {
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
    $('packed').closest('label').hidden = !encodings.includes(PACKED);
    this.#showParameters();
  }

  /** Selects the channel that the user reads, unless a connection is open. */
  propose(channel) {
    if (channel === undefined || this.#connection.state !== 'closed' || $('path').value === channel.key)
      return;
    this.#choose(channel);
  }

  /** Connects to another channel: at once, or after the user has filled in its parameters and token. */
  switchTo(channel) {
    this.#choose(channel);
    const needsToken = channel.receives.some(({ security }) => security.length > 0);
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
    // never show the token
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
    this.#connection.open(
      this.#url(),
      subprotocols({ isVersioned: $('versioned').checked, isPacked: $('packed').checked, credentials }),
    );
    this.#onConnect(this.#channel);
  }

  #showState() {
    const { state, lastClose } = this.#connection;
    const isFailed = state === 'closed' && lastClose?.isLocal === false;
    const panel = $('state');
    panel.dataset.state = isFailed ? (lastClose.wasOpen ? 'ended' : 'refused') : state;
    panel.querySelector('b').textContent = isFailed
      ? lastClose.wasOpen
        ? `Closed with ${lastClose.code}`
        : 'Refused'
      : STATE_LABELS[state];
    $('state-detail').textContent = isFailed
      ? this.#reasonOf(lastClose)
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
        'Browsers hide the reason. See the status in the network tab of the developer tools: 401 or 403 mean a guard ' +
        'or a foreign origin, 404 no gateway on this path, 429 or 503 a limit.'
      );
    }
    const row = this.#closeCodes.find((one) => one.code === code);
    const means = row?.means ?? LOCAL_CODES[code] ?? 'a code of the application';
    const reconnect = row && `Reconnect: ${row.reconnect}.`;
    return [`${means}.`, reason && `Reason: “${reason}”.`, reconnect].filter(Boolean).join(' ');
  }
}

/** Codes that no close frame carries: the browser sets them (RFC 6455, section 7.4.1). */
const LOCAL_CODES = { 1005: 'a close frame without a code', 1006: 'no close frame: the connection broke' };

/** Returns the origin of the page, or that of a gateway with another port. */
function originOf(server) {
  const isSecure = location.protocol === 'https:';
  if (server?.host === undefined) return `${isSecure ? 'wss' : 'ws'}://${location.host}`;
  const host = server.host.replace(/^localhost(?=:|$)/, location.hostname);
  return `${server.protocol === 'wss' ? 'wss' : 'ws'}://${host}`;
}

/** Encodes one segment of a path, or several if the value begins with /, as RegExp namespaces and wildcards accept them. */
function encodeParameter(value) {
  if (!value.startsWith('/')) return encodeURIComponent(value);
  return value.slice(1).split('/').map(encodeURIComponent).join('/');
}

/** Returns the credentials: a JSON object as it is, or any other text as the token. */
function credentialsOf(text) {
  if (!text.startsWith('{')) return { token: text };
  try {
    return JSON.parse(text);
  } catch {
    return { token: text };
  }
}
