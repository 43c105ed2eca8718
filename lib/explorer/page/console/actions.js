import { h } from '../dom.js';
import { confirmAction } from './confirmation.js';

/** What an event may be sent to: the value of the choice and its text. */
const TARGETS = [
  ['room', 'a room'],
  ['user', 'a user'],
  ['all', 'all clients of the path'],
];

/** How long a block holds: milliseconds and their text. */
const DURATIONS = [
  [600_000, '10 minutes'],
  [3_600_000, 'an hour'],
  [8 * 3_600_000, '8 hours'],
  [86_400_000, 'a day'],
  [7 * 86_400_000, '7 days'],
];

/**
 * The buttons of the actions. Each asks before it acts. Where this node is read-only there are none.
 *
 * @param request sends a request to the server
 * @param onDone called after each action, with the text of the server
 */
export function actionButtons(request, { readOnly }, onDone) {
  const button = (text, isDanger, ask) => {
    if (readOnly) return undefined;
    const run = async () => {
      let result;
      const { act, ...question } = ask();
      const isDone = await confirmAction({
        ...question,
        isDanger,
        act: async (values) => {
          result = await act(values);
        },
      });
      if (isDone) onDone(result.text);
    };
    return h(
      'button',
      { type: 'button', class: isDanger && 'danger', onclick: () => void run() },
      `${text}…`,
    );
  };

  return {
    disconnect: ({ node, id, user, address }) =>
      button('Disconnect', true, () => ({
        title: 'Disconnect this client?',
        text: `The client ${id}${user === undefined ? '' : ` of ${user}`} at ${address} is disconnected. Most clients do not reconnect by themselves then.`,
        verb: 'Disconnect',
        fields: [{ name: 'reason', label: 'Reason for the client, if any', maxlength: 120 }],
        act: ({ reason }) => request('disconnectClient', { node, id, ...(reason !== '' && { reason }) }),
      })),

    /** @param namespace without it, all paths */
    disconnectUser: ({ user, namespace, node }) =>
      button('Disconnect the user', true, () => ({
        title: `Disconnect the user ${user}?`,
        text: `All clients of ${user} are disconnected, on all nodes, ${namespace === undefined ? 'on all paths' : `in ${namespace}`}.`,
        verb: 'Disconnect the user',
        act: () => request('disconnectUser', { namespace, user, node }),
      })),

    join: ({ node, id }) =>
      button('Join a room', false, () => ({
        title: 'Join a room',
        text: `The client ${id} joins the room, and gets what is sent to it.`,
        verb: 'Join',
        fields: [{ name: 'room', label: 'Room', required: true, maxlength: 256 }],
        act: ({ room }) => request('join', { node, id, room }),
      })),

    leave: ({ node, id, room }) =>
      button('Leave', true, () => ({
        title: 'Leave the room?',
        text: `The client ${id} leaves the room “${room}”, and gets nothing more that is sent to it.`,
        verb: 'Leave',
        act: () => request('leave', { node, id, room }),
      })),

    /** @param address, user of a client; without both, the dialog asks for a name */
    block: ({ address, user }) =>
      button('Block', true, () => {
        const known = { address, user };
        const kinds = ['address', 'user'].filter((kind) => known[kind] !== undefined);
        return {
          title: 'Block an address or a user',
          text: 'It cannot connect for a time, and its connections are closed, on all nodes. That includes consoles.',
          verb: 'Block',
          fields: [
            {
              name: 'kind',
              label: 'Block',
              choices:
                kinds.length === 0
                  ? [
                      ['address', 'an address'],
                      ['user', 'a user'],
                    ]
                  : kinds.map((kind) => [kind, `the ${kind} ${known[kind]}`]),
            },
            ...(kinds.length === 0
              ? [{ name: 'name', label: 'Address, or name of the user', required: true, maxlength: 512 }]
              : []),
            { name: 'duration', label: 'For', choices: DURATIONS },
            { name: 'reason', label: 'Reason for the log, if any', maxlength: 256 },
          ],
          act: ({ kind, name, duration, reason }) =>
            request('block', {
              kind,
              name: known[kind] ?? name.trim(),
              duration: Number(duration),
              ...(reason !== '' && { reason }),
            }),
        };
      }),

    unblock: ({ kind, name, node }) =>
      button('Lift', true, () => ({
        title: `Lift the block of the ${kind} ${name}?`,
        text: `The ${kind} ${name} may connect again at once, on all nodes.`,
        verb: 'Lift the block',
        act: () => request('unblock', { kind, name, node }),
      })),

    /** @param id of a client; without it, the dialog asks for a room, a user, or all */
    emit: ({ namespace, id, node }) =>
      button('Emit', false, () => ({
        title: 'Emit an event',
        text: id === undefined ? `To clients of ${namespace}.` : `To the client ${id} in ${namespace}.`,
        verb: 'Emit',
        fields: [
          ...(id === undefined ? targetFields() : []),
          { name: 'event', label: 'Event', required: true, maxlength: 256 },
          { name: 'data', label: 'Data as JSON, if any', isText: true, rows: 4 },
        ],
        act: ({ target, name, event, data }) =>
          request('emit', {
            namespace,
            node,
            to: id === undefined ? targetOf(target, name) : { id },
            event,
            ...parse(data),
          }),
      })),
  };
}

function targetFields() {
  return [
    { name: 'target', label: 'To', choices: TARGETS },
    { name: 'name', label: 'Name of the room or user', maxlength: 512 },
  ];
}

function targetOf(target, name) {
  if (target === 'all') return { all: true };
  if (name === '') throw new Error(`Enter the name of the ${target}`);
  return { [target]: name };
}

function parse(text) {
  if (text.trim() === '') return {};
  try {
    return { data: JSON.parse(text) };
  } catch (error) {
    throw new Error(`The data is not JSON: ${error.message}`, { cause: error });
  }
}
