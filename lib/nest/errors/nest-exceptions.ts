import { HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';

/**
 * Whether an error is an `HttpException`, also one of another copy of Nest. A monorepo or `npm link` can install two copies,
 * and `instanceof` recognises only the copy that this package imports.
 */
export function isHttpException(error: unknown): error is HttpException {
  return error instanceof HttpException || isOf(error, 'HttpException', ['getStatus', 'getResponse']);
}

/** Whether an error is a `WsException`, also one of another copy of Nest. */
export function isWsException(error: unknown): error is WsException {
  return error instanceof WsException || isOf(error, 'WsException', ['getError']);
}

/** Also compares class names: errors of other libraries may have methods with these names, whose results are not for clients. */
function isOf(error: unknown, name: string, methods: readonly string[]): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if (!methods.every((method) => typeof Reflect.get(error, method) === 'function')) return false;
  for (let type: unknown = error; type !== null; type = Object.getPrototypeOf(type)) {
    const { constructor } = type as { constructor?: unknown };
    if (typeof constructor === 'function' && constructor.name === name) return true;
  }
  return false;
}
