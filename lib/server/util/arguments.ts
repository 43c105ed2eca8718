import { refuse } from '../../protocol/refuse.js';

/** @throws TypeError on what is no name of an event */
export function assertEventName(where: string, event: unknown): void {
  if (typeof event !== 'string' && typeof event !== 'symbol')
    refuse(where, 'event', event, 'the name of an event');
}

/** @throws TypeError on what is no function */
export function assertFunction(where: string, name: string, value: unknown): void {
  if (typeof value !== 'function') refuse(where, name, value, 'a function');
}

/** @throws TypeError on what is no number of milliseconds */
export function assertTimeout(where: string, timeout: unknown): void {
  if (typeof timeout !== 'number' || Number.isNaN(timeout))
    refuse(where, 'timeout', timeout, 'a number of milliseconds');
}

/** @throws TypeError on what is neither `true` nor `false` */
export function assertCompress(where: string, compress: unknown): void {
  if (typeof compress !== 'boolean') refuse(where, 'compress', compress, 'true or false');
}
