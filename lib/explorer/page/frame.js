import { asText, copyText, flash, h } from './dom.js';
import { showMilliseconds, showNumber } from './timings.js';

const SIGNS = { out: ['↑', 'sent'], in: ['↓', 'received'] };

/** Creates one row of the list. `row.frame` is the frame, and `frame.row` the row. */
export function frameRow(frame) {
  const row = frame.direction === 'note' ? noteRow(frame) : messageRow(frame);
  row.frame = frame;
  frame.row = row;
  if (frame.answer !== undefined) row.answered(frame.answer);
  return row;
}

function noteRow({ kind, text, detail, since, time }) {
  const when = h('time', { title: clock(time) }, `+${showNumber(since)} ms`);
  return h('li', { class: 'note', 'data-kind': kind }, h('b', null, text), h('span', null, detail), when);
}

function messageRow(frame) {
  const { direction, envelope, bytes, since, time } = frame;
  const [sign, word] = SIGNS[direction];
  const isException = envelope?.event === 'exception';
  const title = titleOf(frame);
  // beside the summary, because a control may not contain another one; CSS moves the links behind the title
  const links = h('p', { class: 'links', 'data-title': title }, linksOf(frame));
  const row = h(
    'li',
    { class: direction, 'data-exception': isException },
    h(
      'details',
      null,
      h(
        'summary',
        null,
        h('span', { class: 'sign', 'aria-label': word, role: 'img' }, sign),
        h('b', { class: 'event' }, title),
        h('span', { class: 'size' }, `${showNumber(bytes)} B`),
        h('span', { class: 'preview' }, previewOf(frame)),
        h('time', { title: clock(time) }, `${clock(time)}  +${showNumber(since)} ms`),
      ),
    ),
    links,
  );
  row.answered = (answer) => {
    if (!answer.isFirst || links.querySelector('.answered')) return;
    links.append(link(answer, `answered in ${showMilliseconds(answer.roundTrip)}`, 'answered'));
  };
  return row;
}

function linksOf({ direction, envelope, request, roundTrip, isFirst }) {
  if (envelope === undefined) return [];
  const { id, ack, more, stream } = envelope;
  const links = [];
  if (id !== undefined) links.push(h('span', { class: 'id' }, `${stream ? 'stream ' : ''}#${asText(id)}`));
  if (id !== undefined && direction === 'in') links.push(h('span', { class: 'id' }, 'the server asks'));
  if (ack === undefined) return links;
  const time = isFirst ? ` · ${showMilliseconds(roundTrip)}` : '';
  const word = more === true ? 'value of' : isFirst || request === undefined ? 'answers' : 'ends';
  const text = `${word} #${asText(ack)}${time}`;
  links.push(request === undefined ? h('span', { class: 'id' }, text) : link(request, text, 'answers'));
  return links;
}

function link(frame, text, name) {
  const button = h('button', { type: 'button', class: `id ${name}`, 'data-link': true }, text);
  button.linked = frame;
  return button;
}

function titleOf({ envelope, request }) {
  if (envelope === undefined) return 'not an envelope';
  if (typeof envelope.event === 'string') return envelope.event;
  return request?.envelope.event ?? 'answer';
}

/** Returns the text that fits into a row. A click shows the whole frame. */
function previewOf({ envelope, text }) {
  if (envelope === undefined) return text.slice(0, 300);
  const exception = envelope.event === 'exception' && exceptionOf(envelope.data);
  if (exception) return exception.slice(0, 300);
  return envelope.data === undefined
    ? ''
    : text.length > 20_000
      ? text.slice(0, 300)
      : JSON.stringify(envelope.data).slice(0, 300);
}

/** Returns the error as one text, `400: room must be a string`; `undefined` if the exception has no message. */
function exceptionOf(data) {
  const { statusCode, code, message } = Object(data);
  const isKnown = typeof message === 'string' || Array.isArray(message);
  if (!isKnown || message.length === 0) return undefined;
  const number = [statusCode, code].filter((part) => part !== undefined).map(asText);
  return [number.join(' '), [message].flat().map(asText).join(', ')].filter(Boolean).join(': ');
}

/** Creates the view of the whole frame, indented. */
export function frameBody({ direction, envelope, text }) {
  const whole = envelope === undefined ? text : JSON.stringify(envelope, null, 2);
  const copy = h('button', { type: 'button', class: 'quiet' }, 'Copy frame');
  copy.addEventListener('click', async () => flash(copy, (await copyText(text)) ? 'Copied' : 'Not allowed'));
  const isRequest = direction === 'in' && envelope?.id !== undefined;
  return h(
    'div',
    { class: 'body' },
    h('pre', { tabindex: '0' }, whole),
    copy,
    isRequest && answerForm(envelope.id),
  );
}

/** Creates the form that answers a request of the server. It emits an event `answer`; the page never answers automatically. */
function answerForm(ack) {
  const input = h('input', {
    'aria-label': 'Answer as JSON',
    placeholder: 'Answer as JSON',
    autocomplete: 'off',
  });
  const answer = (event) => {
    event.preventDefault();
    const data = input.value.trim() === '' ? {} : readJson(input.value);
    input.setAttribute('aria-invalid', String(data === undefined));
    if (data !== undefined)
      form.dispatchEvent(new CustomEvent('answer', { bubbles: true, detail: { ack, ...data } }));
  };
  const form = h('form', { class: 'answer', onsubmit: answer }, input, h('button', null, 'Answer'));
  return form;
}

function readJson(text) {
  try {
    return { data: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Returns a frame in the notation of PROTOCOL.md. */
export function textOf({ direction, text, detail }) {
  if (direction === 'note') return `-- ${text}${detail ? `: ${detail}` : ''}`;
  return `${direction === 'out' ? '>' : '<'} ${text}`;
}

function clock(time) {
  const two = (value, digits = 2) => String(value).padStart(digits, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${two(time.getMilliseconds(), 3)}`;
}
