import { h } from '../dom.js';
import { clock, count, moment } from './format.js';
import { refusalLabel } from './refusal-reasons.js';
import { routeTo } from './route.js';
import { Table } from './table.js';

/**
 * Codes that both sides send, so that they mean more here than where the server sends them, and codes that no close frame carries
 * (RFC 6455, section 7.4.1).
 */
const CODES = {
  1000: 'closed normally, by the client or the server',
  1001: 'the user left the page, or the server ended or drained',
  1005: 'the client closed without a code',
  1008: 'blocked, or the client kept sending malformed or too many messages',
  1006: 'no close frame: the connection broke',
};

/** What the reasons of disconnects mean: Socket.IO's words. */
const ENDS = {
  'server namespace disconnect': 'the server disconnected it, see the close codes',
  'server shutting down': 'the node closed',
  'client namespace disconnect': 'the client ended it',
  'transport close': 'the page was left, or the network broke',
  'transport error': 'the network broke',
  'parse error': 'no valid frame, or over maxPayload',
  'ping timeout': 'the client did not answer pings',
  'forced close': 'client.terminate()',
};

const LISTS = [
  { list: 'disconnects', caption: 'Disconnects by reason', empty: 'No client has disconnected.' },
  { list: 'closeCodes', caption: 'Close codes', empty: 'No connection has closed.' },
  {
    list: 'refusedUpgrades',
    caption: 'Refused connections',
    empty: 'No connection was refused.',
    more: { href: routeTo('refused'), text: 'Refused by address' },
  },
  { list: 'refusedMessages', caption: 'Refused messages', empty: 'No message was refused.', isWatched: true },
  { list: 'limits', caption: 'Limits reached', empty: 'No limit was reached.', isWatched: true },
  { list: 'drops', caption: 'Messages not sent', empty: 'Every message was sent.', isWatched: true },
];

/** Returns a table for each list of counts: `{ element, update }`. */
export function countTables(watch) {
  return LISTS.map(({ list, caption, empty, more, isWatched = false }) => {
    let highest = 1;
    const table = new Table({
      caption,
      empty,
      keyOf: ({ name }) => name,
      columns: [
        {
          title: 'Name',
          text: ({ name }) => labelOf(list, name, watch.closeCodes),
          bar: ({ count: number }) => number / highest,
        },
        {
          title: 'Last minute',
          text: ({ name }) => {
            const number = watch.lately(list, name);
            return number === undefined ? '–' : number > 0 ? `+${count(number)}` : '0';
          },
          tone: ({ name }) => (watch.lately(list, name) > 0 ? '' : 'soft'),
          isEnd: true,
        },
        { title: 'All', text: ({ count: number }) => count(number), isEnd: true },
      ],
    });
    if (more !== undefined)
      table.element.append(h('p', { class: 'more' }, h('a', { href: more.href }, more.text)));
    const update = (counts) => {
      highest = Math.max(1, ...counts[list].map(({ count: number }) => number));
      table.note = since(isWatched ? counts.watchedSince : counts.since, isWatched);
      table.update(counts[list]);
    };
    return { element: table.element, update };
  });
}

function since(time, isWatched) {
  const isToday = new Date(time).toDateString() === new Date().toDateString();
  const text = isToday ? clock(time) : moment(time);
  return isWatched ? `since a console watches, ${text}` : `since ${text}`;
}

function labelOf(list, name, closeCodes) {
  if (list === 'refusedUpgrades') return refusalLabel(name);
  const means =
    list === 'disconnects' ? ENDS[name] : list === 'closeCodes' ? codeMeaning(name, closeCodes) : undefined;
  return means === undefined ? name : `${name}: ${means}`;
}

function codeMeaning(name, closeCodes) {
  return CODES[name] ?? closeCodes.find(({ code }) => String(code) === name)?.means;
}
