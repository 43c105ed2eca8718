import { CLOSE_CODES } from '../../protocol/close-codes.js';
import { user as userRoom } from '../../server/handshake/user-name.js';
import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { Action, ActionKind, Concerned } from './action-kind.js';
import { fail } from './admin-failure.js';
import { BLOCK_ACTIONS } from './block-actions.js';
import { optionalText, requestFields, requiredText, type Fields } from './checked-values.js';
import { readAddress, userOf } from './connection-list.js';
import { findSocket, type NodeServers } from './node-servers.js';

/** Characters of a payload as JSON. */
const MAX_DATA = 8_000;
const MAX_NAME = 1_000;

export const ACTIONS: Readonly<Record<string, ActionKind>> = {
  disconnectClient: {
    action: 'disconnect',
    describe(data) {
      const fields = readAddress(data, ['reason']);
      const reason = optionalText(fields, 'reason', 123);
      return { ...toOne(fields, { reason }), text: `Disconnected ${fields.id}` };
    },
    run({ servers }, data) {
      const fields = readAddress(data, ['reason']);
      const reason = optionalText(fields, 'reason', 123);
      const socket = socketOf(servers, fields.id);
      const concerned = concernedBy(socket);
      socket._end('server namespace disconnect', CLOSE_CODES.NORMAL.code, reason);
      return concerned;
    },
  },
  disconnectUser: {
    action: 'disconnectUser',
    describe(data) {
      const { namespace, user, node } = readUser(data);
      const audit = { ...(namespace !== undefined && { path: namespace }), target: user };
      return { audit, node, text: `Disconnected user ${user} of ${namespace ?? 'all paths'}` };
    },
    run({ servers, operations }, data) {
      const { namespace, user } = readUser(data);
      if (namespace === undefined) operations._disconnectUser(user);
      else serverAt(servers, namespace).disconnectUser(user);
    },
  },
  join: roomAction('join', 'joined'),
  leave: roomAction('leave', 'left'),
  emit: {
    action: 'emit',
    describe(data) {
      const { namespace, to, event, node } = readEmit(data);
      const audit = { path: namespace, target: to?.name, details: { event, to: to?.kind ?? 'all' } };
      return {
        audit,
        node,
        text: `Sent ${event} to ${to === undefined ? 'all clients' : to.name} of ${namespace}`,
      };
    },
    run({ servers }, data) {
      const { namespace, to, event, payload } = readEmit(data);
      const server = serverAt(servers, namespace);
      const target = to === undefined ? server : server.to(to.kind === 'user' ? userRoom(to.name) : to.name);
      try {
        target.emit(event, payload);
      } catch (error) {
        // a reserved name, or data that the gateway does not declare
        fail('invalid', (error as Error).message);
      }
    },
  },
  ...BLOCK_ACTIONS,
};

/** @param done what the client did, for the admin */
function roomAction(action: 'join' | 'leave', done: string): ActionKind {
  return {
    action,
    describe(data) {
      const fields = readAddress(data, ['room']);
      const room = requiredText(fields, 'room');
      return { ...toOne(fields, { room }), text: `${fields.id} ${done} ${room}` };
    },
    async run({ servers }, data) {
      const fields = readAddress(data, ['room']);
      return inRoom(socketOf(servers, fields.id), action, requiredText(fields, 'room'));
    },
  };
}

function toOne(
  { id, node }: { id: string; node: string },
  details: Fields,
): Omit<ReturnType<ActionKind['describe']>, 'text'> {
  return { audit: { target: id, details }, node };
}

function readUser(data: unknown): { namespace: string | undefined; user: string; node: string | undefined } {
  const fields = requestFields(data, ['namespace', 'user', 'node']);
  return {
    namespace: optionalText(fields, 'namespace', MAX_NAME),
    user: requiredText(fields, 'user', MAX_NAME),
    node: optionalText(fields, 'node', 64),
  };
}

const TARGETS = ['all', 'room', 'user', 'id'] as const;

interface Emit {
  readonly namespace: string;
  /** `undefined`: all clients of the path. */
  readonly to: { readonly kind: 'room' | 'user' | 'id'; readonly name: string } | undefined;
  readonly event: string;
  readonly payload: unknown;
  readonly node: string | undefined;
}

function readEmit(data: unknown): Emit {
  const fields = requestFields(data, ['namespace', 'to', 'event', 'data', 'node']);
  const payload = fields['data'];
  if (payload !== undefined && JSON.stringify(payload).length > MAX_DATA)
    fail('invalid', `data: it takes at most ${MAX_DATA} characters of JSON`);
  return {
    namespace: requiredText(fields, 'namespace', MAX_NAME),
    to: readTarget(requestFields(fields['to'], TARGETS, 'to')),
    event: requiredText(fields, 'event'),
    payload,
    node: optionalText(fields, 'node', 64),
  };
}

function readTarget(to: Fields): Emit['to'] {
  const given = TARGETS.filter((name) => to[name] !== undefined);
  const [kind] = given;
  if (given.length !== 1 || kind === undefined)
    fail('invalid', `to: it takes exactly one of ${TARGETS.join(', ')}`);
  if (kind !== 'all') return { kind, name: requiredText(to, kind, MAX_NAME) };
  return to['all'] === true ? undefined : fail('invalid', 'to.all: it takes true');
}

function socketOf(servers: NodeServers, id: string): EnvelopeSocket {
  return findSocket(servers, id) ?? fail('not_found', 'The node has no connection with this id');
}

function serverAt(servers: NodeServers, namespace: string): EnvelopeServer {
  return (
    servers.all().find(({ name }) => name === namespace) ??
    fail('not_found', 'namespace: the node has no such path')
  );
}

function concernedBy(socket: EnvelopeSocket): Concerned {
  return { path: socket.nsp.name, user: userOf(socket) };
}

async function inRoom(socket: EnvelopeSocket, method: 'join' | 'leave', room: string): Promise<Concerned> {
  try {
    await socket[method](room);
  } catch (error) {
    // a name that is too long, too many rooms, or the room of a user
    fail('invalid', `room: ${(error as Error).message}`);
  }
  return concernedBy(socket);
}

/** Returns the action that a request asks for. @throws WsException on an unknown or malformed field */
export function describeAction(event: string, data: unknown): Action {
  const { action, describe } = ACTIONS[event]!;
  const { audit, ...rest } = describe(data);
  return { ...rest, audit: { action, ...audit } };
}
