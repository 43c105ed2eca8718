import { refuse } from '../../protocol/refuse.js';

/** Checks an event name. @throws TypeError unless it is a string or a symbol */
export function assertEventName(where: string, event: unknown): void {
  if (typeof event !== 'string' && typeof event !== 'symbol')
    refuse(where, 'event', event, 'the name of an event');
}

/** Checks a callback. @throws TypeError unless it is a function */
export function assertFunction(where: string, name: string, value: unknown): void {
  if (typeof value !== 'function') refuse(where, name, value, 'a function');
}

/** Checks a timeout. @throws TypeError unless it is a number other than `NaN` */
export function assertTimeout(where: string, timeout: unknown): void {
  if (typeof timeout !== 'number' || Number.isNaN(timeout))
    refuse(where, 'timeout', timeout, 'a number of milliseconds');
}

/** Checks the argument of `compress`. @throws TypeError unless it is `true` or `false` */
export function assertCompress(where: string, compress: unknown): void {
  if (typeof compress !== 'boolean') refuse(where, 'compress', compress, 'true or false');
}
