import { h, inline, prose } from './dom.js';
import { routeTo } from './route.js';
import { schemaView } from './schema.js';

/** Returns the list of channels and events. */
export function indexView(contract, current) {
  if (contract.channels.length === 0) return [h('p', { class: 'empty' }, 'No gateway has a path.')];
  return contract.channels.map((channel) =>
    h(
      'section',
      null,
      h('h2', null, entry(current, channel, undefined, channel.address)),
      h('ul', null, [
        channel.receives.map((one) => h('li', null, entry(current, channel, one, one.event, '↑'))),
        channel.emits.map((one) => h('li', null, entry(current, channel, one, one.event, '↓'))),
      ]),
    ),
  );
}

function entry(current, channel, operation, text, sign) {
  const href = routeTo(channel, operation);
  const isCurrent = current.channel === channel && current.operation === operation;
  const direction = operation?.isEmitted ? 'from the server' : 'to the server';
  return h(
    'a',
    { href, 'aria-current': isCurrent && 'page', class: operation?.isDeprecated && 'deprecated' },
    sign !== undefined &&
      h('span', { class: `sign ${sign === '↑' ? 'out' : 'in'}`, 'aria-label': direction, role: 'img' }, sign),
    h('span', null, text),
  );
}

/** Returns the view of the whole contract. */
export function overview(contract) {
  return [
    h('h2', null, contract.title),
    prose(contract.description),
    contract.channels.length === 0
      ? h('p', { class: 'empty' }, 'The contract contains no gateway of this application.')
      : [
          h('h3', null, 'Channels'),
          h('ul', { class: 'events card' }, contract.channels.map(channelRow)),
          h('p', { class: 'hint' }, 'Choose a channel, connect, and send an event.'),
        ],
  ];
}

function channelRow(channel) {
  const { address, title, description } = channel;
  return h(
    'li',
    null,
    h('a', { href: routeTo(channel) }, h('code', null, address)),
    h('span', { class: 'prose' }, inline(description ?? title ?? '')),
  );
}

export function channelView(channel) {
  const list = (operations, title) =>
    operations.length > 0 &&
    h(
      'section',
      null,
      h('h3', null, title),
      h(
        'ul',
        { class: 'events card' },
        operations.map((one) => eventRow(channel, one)),
      ),
    );
  return [
    h('h2', null, h('code', null, channel.address)),
    channel.title !== undefined && h('p', { class: 'origin' }, channel.title),
    prose(channel.description),
    list(channel.receives, 'The server receives'),
    list(channel.emits, 'The server sends'),
  ];
}

function eventRow(channel, operation) {
  const { event, summary, description, security, isDeprecated } = operation;
  return h(
    'li',
    null,
    h(
      'a',
      { href: routeTo(channel, operation), class: isDeprecated && 'deprecated' },
      h('code', null, event),
    ),
    h('span', { class: 'prose' }, inline(summary ?? description ?? '')),
    security.map(({ name }) => h('span', { class: 'tag' }, name)),
  );
}

export function operationView(contract, channel, operation) {
  const { event, isEmitted, summary, description, isDeprecated, handler, data, security } = operation;
  return [
    h(
      'p',
      { class: 'crumbs' },
      h('a', { href: routeTo(channel) }, h('code', null, channel.address)),
      h(
        'span',
        { class: isEmitted ? 'in' : 'out' },
        isEmitted ? '↓ the server sends' : '↑ the server receives',
      ),
    ),
    h('h2', null, h('code', { class: isDeprecated && 'deprecated' }, event)),
    typeof handler === 'string' && h('p', { class: 'origin' }, handler),
    isDeprecated && h('p', { class: 'deprecation' }, 'Deprecated'),
    prose(summary),
    description !== summary && prose(description),
    security.length > 0 && [h('h3', null, 'Security'), securityView(security)],
    h('h3', null, 'Payload'),
    h('div', { class: 'card' }, schemaView(contract, data)),
    operation.replies.map((reply) => [
      h(
        'h3',
        null,
        reply.isStream ? 'Answer, a stream of' : 'Answer',
        reply.name !== event && [' ', h('code', null, reply.name)],
      ),
      prose(reply.description),
      h('div', { class: 'card' }, schemaView(contract, reply.data)),
    ]),
    operation.exception !== undefined &&
      h(
        'details',
        { class: 'exception' },
        h('summary', null, 'Or an ', h('code', null, 'exception')),
        h('div', { class: 'card' }, schemaView(contract, operation.exception.data)),
      ),
  ];
}

function securityView(security) {
  return h(
    'ul',
    { class: 'security' },
    security.map(({ name, what, description }) =>
      h(
        'li',
        null,
        h('span', { class: 'tag' }, name),
        h('span', { class: 'prose' }, inline([what, description].filter(Boolean).join(': '))),
      ),
    ),
  );
}
