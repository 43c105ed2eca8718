import { RESERVED_EVENTS } from './reserved-events.js';

const REFUSALS: ReadonlyMap<string, string> = new Map([
  ['exception', '"exception" is only an answer: it needs "ack"'],
  ...RESERVED_EVENTS.map((event) => [event, `"${event}" is a reserved event name`] as const),
]);

/** @returns why a client must not send an event of that name, names with `$` aside; `undefined`: it may */
export function refusalOf(event: string): string | undefined {
  return REFUSALS.get(event);
}
