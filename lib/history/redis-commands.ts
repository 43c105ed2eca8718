import { refuse } from '../protocol/refuse.js';

/** Sends one command, for the key that a cluster of Redis finds its node by. */
export type SendCommand = (key: string, command: readonly string[], isRead: boolean) => Promise<unknown>;

/** The methods by which the libraries send any command. */
interface AnyClient {
  /** Of `ioredis`. */
  call?(command: string, ...args: string[]): Promise<unknown>;
  /** Of `redis`; a cluster takes the key and whether the command reads. */
  sendCommand?(...args: unknown[]): Promise<unknown>;
  /** Of the cluster of `redis`. */
  readonly masters?: unknown;
}

/**
 * Returns a function that sends commands through a client of `ioredis` or `redis`, also one of a cluster of Redis.
 *
 * @throws TypeError if `client` is neither
 */
export function redisCommands(client: unknown): SendCommand {
  // a function has a method "call", too
  const { call, sendCommand, masters } = (typeof client === 'object' ? (client ?? {}) : {}) as AnyClient;
  if (typeof call === 'function')
    return (_, command) => Reflect.apply(call, client, [...command]) as Promise<unknown>;
  if (typeof sendCommand !== 'function')
    refuse('redisHistory', 'client', client, 'a client of ioredis or redis');
  const send = (...args: unknown[]): Promise<unknown> =>
    Reflect.apply(sendCommand, client, args) as Promise<unknown>;
  if (masters !== undefined) return (key, command, isRead) => send(key, isRead, command);
  return (_, command) => send(command);
}
