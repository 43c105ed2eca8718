import { HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';

/**
 * An exception of Nest's, also one of another copy of its packages: a monorepo or `npm link` brings two, and `instanceof` knows only
 * the one that this package found.
 */
export function isHttpException(error: unknown): error is HttpException {
  return error instanceof HttpException || isOf(error, 'HttpException', ['getStatus', 'getResponse']);
}

/** The same for `WsException`. */
export function isWsException(error: unknown): error is WsException {
  return error instanceof WsException || isOf(error, 'WsException', ['getError']);
}

/** By class name, too: another library's error may have methods of these names, and what they return is not for clients. */
function isOf(error: unknown, name: string, methods: readonly string[]): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if (!methods.every((method) => typeof Reflect.get(error, method) === 'function')) return false;
  for (let type: unknown = error; type !== null; type = Object.getPrototypeOf(type)) {
    const { constructor } = type as { constructor?: unknown };
    if (typeof constructor === 'function' && constructor.name === name) return true;
  }
  return false;
}
