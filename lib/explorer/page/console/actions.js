import { h } from '../dom.js';
import { confirmAction } from './confirmation.js';

/** What an event may be sent to: the value of the choice and its text. */
const TARGETS = [
  ['room', 'a room'],
  ['user', 'a user'],
  ['all', 'all clients of the path'],
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

    disconnectUser: ({ user, namespace, node }) =>
      button('Disconnect the user', true, () => ({
        title: `Disconnect the user ${user}?`,
        text: `All clients of ${user} in ${namespace} are disconnected, on all nodes.`,
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
