import { clock, count, moment } from './format.js';
import { Table } from './table.js';

/** What the statuses of refused upgrades mean. */
const STATUSES = {
  400: 'no valid WebSocket handshake',
  401: 'not signed in',
  403: 'a guard, or a foreign origin',
  404: 'no gateway on this path',
  429: 'blocked, or too many connections of one address',
  500: 'a guard or a check failed',
  503: 'a limit, a slow guard, draining, or shutting down',
};

/** Codes that no close frame carries (RFC 6455, section 7.4.1). */
const WITHOUT_FRAME = {
  1005: 'the client closed without a code',
  1006: 'no close frame: the connection broke',
};

const LISTS = [
  { list: 'disconnects', caption: 'Disconnects by reason', empty: 'No client has disconnected.' },
  { list: 'closeCodes', caption: 'Close codes', empty: 'No connection has closed.' },
  { list: 'refusedUpgrades', caption: 'Refused connections', empty: 'No connection was refused.' },
  { list: 'refusedMessages', caption: 'Refused messages', empty: 'No message was refused.', isWatched: true },
  { list: 'limits', caption: 'Limits reached', empty: 'No limit was reached.', isWatched: true },
  { list: 'drops', caption: 'Messages not sent', empty: 'Every message was sent.', isWatched: true },
];

/** Returns a table for each list of counts: `{ element, update }`. */
export function countTables(watch) {
  return LISTS.map(({ list, caption, empty, isWatched = false }) => {
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
  const means =
    list === 'closeCodes'
      ? (closeCodes.find(({ code }) => String(code) === name)?.means ?? WITHOUT_FRAME[name])
      : list === 'refusedUpgrades'
        ? STATUSES[name]
        : undefined;
  return means === undefined ? name : `${name}: ${means}`;
}
