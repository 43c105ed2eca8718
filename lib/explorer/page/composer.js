import { $, h } from './dom.js';
import { hasBytes } from './bytes.js';
import { exampleOf } from './example.js';

const STORE = `envelope-explorer:${new URL('.', import.meta.url).pathname}`;

/** The form that sends an event. It keeps the text of each event in the session storage of the tab. */
export class Composer {
  #connection;
  #contract;
  #channel = undefined;
  #operation = undefined;
  /** The channel of the open connection. */
  #connected = undefined;

  /** @param onSwitch called with the channel to connect to instead */
  constructor(connection, contract, onSwitch) {
    this.#connection = connection;
    this.#contract = contract;
    const form = $('composer');
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
    form.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.#send();
    });
    form.addEventListener('input', () => this.#changed());
    $('example').addEventListener('click', () => this.#write({ ...this.#read(), payload: this.#example() }));
    $('switch').addEventListener('click', () => onSwitch(this.#channel));
    connection.addEventListener('state', () => this.#validate());
    connection.addEventListener('frame', () => this.#showStreams());
    $('shortcut').textContent = /Mac|iP/.test(navigator.platform) ? '⌘ ↵' : 'Ctrl ↵';
  }

  /** @param operation `undefined` for an event of any name */
  show(channel, operation) {
    [this.#channel, this.#operation] = [channel, operation];
    $('composer').hidden = channel === undefined || operation?.isEmitted === true;
    $('composer-title').textContent = operation === undefined ? 'Send any event' : 'Send';
    $('event-label').hidden = operation !== undefined;
    $('example').hidden = operation?.data === undefined;
    this.#write(this.#stored() ?? this.#initial());
  }

  set connected(channel) {
    this.#connected = channel;
    this.#validate();
  }

  #initial() {
    const { event = '', replies = [], exception } = this.#operation ?? {};
    const isRequest = replies.length > 0 || exception !== undefined;
    return { event, payload: this.#example(), isRequest, isStream: replies.some((reply) => reply.isStream) };
  }

  #example() {
    const value = exampleOf(this.#contract, this.#operation?.data);
    return value === undefined ? '' : JSON.stringify(value, null, 2);
  }

  #read() {
    return {
      event: this.#operation?.event ?? $('event').value,
      payload: $('payload').value,
      isRequest: $('as-request').checked,
      isStream: $('as-stream').checked,
    };
  }

  #write({ event, payload, isRequest, isStream }) {
    $('event').value = event;
    $('payload').value = payload;
    $('as-request').checked = isRequest;
    $('as-stream').checked = isStream;
    this.#changed();
  }

  #changed() {
    try {
      sessionStorage.setItem(this.#key(), JSON.stringify(this.#read()));
    } catch {
      // the storage is full or not allowed: the text is not kept
    }
    this.#validate();
  }

  #key() {
    return `${STORE}${this.#channel?.key ?? ''}/${this.#operation?.event ?? ''}`;
  }

  #stored() {
    try {
      return JSON.parse(sessionStorage.getItem(this.#key())) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * Shows the size, errors and obstacles of the input.
   *
   * @returns the envelope; `undefined` if it cannot be sent
   */
  #validate() {
    const { event, payload, isRequest, isStream } = this.#read();
    $('as-stream').disabled = !isRequest;
    const { data, error } = parse(payload);
    const envelope = {
      event,
      data,
      ...(isRequest && { id: 0 }),
      ...(isRequest && isStream && { stream: true }),
    };
    $('verdict').textContent =
      error ?? `${this.#connection.encode(envelope).length.toLocaleString('en')} bytes`;
    $('verdict').classList.toggle('bad', error !== undefined);
    $('payload').setAttribute('aria-invalid', String(error !== undefined));
    const hint = this.#obstacle(event, data);
    $('send-hint').hidden = hint === undefined;
    $('obstacle').textContent = hint ?? '';
    $('switch').hidden = !this.#isElsewhere;
    $('switch').textContent = `Connect to ${this.#channel?.address}`;
    $('send').disabled = error !== undefined || hint !== undefined;
    return $('send').disabled ? undefined : envelope;
  }

  get #isElsewhere() {
    return this.#connection.state === 'open' && this.#connected !== this.#channel;
  }

  #obstacle(event, data) {
    if (this.#channel === undefined) return 'The contract has no channel';
    if (this.#connection.state !== 'open') return `Connect to ${this.#channel.address} to send`;
    if (this.#isElsewhere)
      return `The connection is to ${this.#connected?.address}, this event belongs to ${this.#channel.address}`;
    if (hasBytes(data) && !this.#connection.isPacked)
      return 'JSON has no bytes: connect with MessagePack, if the server has it';
    return event === '' ? 'An event needs a name' : undefined;
  }

  #send() {
    const envelope = this.#validate();
    if (envelope === undefined) return;
    if (envelope.id !== undefined) envelope.id = this.#connection.nextId();
    this.#connection.send(envelope);
  }

  /** Lists the open streams, each with a button that cancels it. */
  #showStreams() {
    const open = [...this.#connection.requests].filter(([, { envelope }]) => envelope.stream === true);
    const list = $('streams');
    if (list.dataset.open === open.map(([id]) => id).join()) return;
    list.dataset.open = open.map(([id]) => id).join();
    list.replaceChildren(
      ...open.map(([id, { envelope }]) => {
        const cancel = () => this.#connection.send({ event: '$cancel', data: id });
        const button = h('button', { type: 'button', onclick: cancel }, 'Cancel');
        return h('li', null, h('span', null, h('b', null, envelope.event), ` #${id} is running`), button);
      }),
    );
  }
}

/** Parses the payload. An empty text means no payload. */
function parse(text) {
  if (text.trim() === '') return {};
  try {
    return { data: JSON.parse(text) };
  } catch (error) {
    return { error: error.message };
  }
}
