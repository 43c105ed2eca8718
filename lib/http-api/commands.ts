import { BadRequestException } from '@nestjs/common';
import { assertEmittable } from '../protocol/reserved-events.js';
import { isRecordLike, nearest, show } from '../protocol/refuse.js';
import type { BroadcastOperator } from '../server/rooms/broadcast-operator.js';
import type { EnvelopeServer } from '../server/namespace/envelope-server.js';
import { user } from '../server/handshake/user-name.js';
import type { Room } from 'socket.io-adapter';

/** Finds the server of a path. @throws NotFoundException if no gateway has the path */
type FindServer = (path: string | undefined) => EnvelopeServer;

/** Names that one command may have in `to`, `users` and `except`, each. */
const MAX_NAMES = 1_000;
const TARGET_FIELDS = ['path', 'to', 'users', 'except'] as const;
const EMIT_FIELDS = [...TARGET_FIELDS, 'event', 'data', 'volatile'] as const;
const DISCONNECT_FIELDS = [...TARGET_FIELDS, 'all', 'close'] as const;

type Fields = Readonly<Record<string, unknown>>;

/** What a checked command does. Nothing happens before it is called. */
export type Action = () => void;

/**
 * Reads the body of `POST emit`: one message, or a list.
 *
 * @throws BadRequestException that names the place; NotFoundException on an unknown path
 */
export function readEmits(body: unknown, maxBatch: number, find: FindServer): Action[] {
  if (!Array.isArray(body)) return [readEmit(body, 'body', find)];
  if (body.length > maxBatch)
    refuse('body', `has ${body.length} messages: at most ${maxBatch} are allowed in one request`);
  return body.map((message, index) => readEmit(message, `body[${index}]`, find));
}

function readEmit(given: unknown, at: string, find: FindServer): Action {
  const message = readFields(given, at, EMIT_FIELDS);
  const { event, volatile: isVolatile = false } = message;
  if (typeof isVolatile !== 'boolean')
    refuse(`${at}.volatile`, `is ${show(isVolatile)}: it takes true or false`);
  refuseWhatThrows(`${at}.event`, () => assertEmittable(event as string));
  const target = readTarget(message, at, find);
  const sender = isVolatile ? target.volatile : target;
  const args = Object.hasOwn(message, 'data') ? [message['data']] : [];
  // with validateEmits, emit would throw when others of the list are sent
  const { checkEmit } = find(message['path'] as string | undefined)._config.gateway;
  refuseWhatThrows(`${at}.data`, () => checkEmit?.(event as string, args));
  return () => void sender.emit(event as string, ...args);
}

/**
 * Reads the body of `POST disconnect`.
 *
 * @throws as `readEmits`
 */
export function readDisconnect(body: unknown, find: FindServer): Action {
  const command = readFields(body, 'body', DISCONNECT_FIELDS);
  const { all = false, close = false } = command;
  for (const [name, value] of Object.entries({ all, close }))
    if (typeof value !== 'boolean') refuse(`body.${name}`, `is ${show(value)}: it takes true or false`);
  const isWhole = command['to'] === undefined && command['users'] === undefined;
  if (isWhole && all !== true) refuse('body', 'names no clients: set to or users, or "all": true');
  if (!isWhole && all === true) refuse('body.all', 'is true beside to or users: set one of them');
  const target = readTarget(command, 'body', find);
  return () => target.disconnectSockets(close as boolean);
}

function readFields(given: unknown, at: string, known: readonly string[]): Fields {
  if (!isRecordLike(given)) refuse(at, `is ${show(given)}: it takes an object`);
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    refuse(
      `${at}.${name}`,
      near === undefined ? `is unknown. Valid: ${known.join(', ')}` : `is unknown. Did you mean "${near}"?`,
    );
  }
  return given as Fields;
}

function readTarget({ path, to, users, except }: Fields, at: string, find: FindServer): BroadcastOperator {
  if (path !== undefined && typeof path !== 'string')
    refuse(`${at}.path`, `is ${show(path)}: it takes a text, such as "/ws"`);
  const server = find(path);
  const rooms = [...namesOf(to, `${at}.to`)];
  for (const name of namesOf(users, `${at}.users`))
    refuseWhatThrows(`${at}.users`, () => rooms.push(user(name)));
  // an empty list is nobody, and must not become everybody
  if (rooms.length === 0 && (to !== undefined || users !== undefined))
    refuse(to === undefined ? `${at}.users` : `${at}.to`, 'is empty: leave it out to address all clients');
  return refuseWhatThrows(at, () => server.to(rooms).except([...namesOf(except, `${at}.except`)]));
}

function namesOf(given: unknown, at: string): Room[] {
  if (given === undefined) return [];
  const names: unknown[] = Array.isArray(given) ? given : [given];
  if (names.length > MAX_NAMES) refuse(at, `has ${names.length} names: at most ${MAX_NAMES} are allowed`);
  for (const name of names)
    if (typeof name !== 'string' && typeof name !== 'number')
      refuse(at, `has ${show(name)}: it takes texts and numbers`);
  return names as Room[];
}

/** Turns what the package throws on a wrong name into a refusal of the request. */
function refuseWhatThrows<Result>(at: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    return refuse(at, (error as Error).message);
  }
}

function refuse(at: string, why: string): never {
  throw new BadRequestException(`${at} ${why}`);
}
