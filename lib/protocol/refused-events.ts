import { RESERVED_EVENTS } from './reserved-events.js';

const REFUSALS: ReadonlyMap<string, string> = new Map([
  ['exception', '"exception" is only an answer: it needs "ack"'],
  ...RESERVED_EVENTS.map((event) => [event, `"${event}" is a reserved event name`] as const),
]);

/**
 * Returns why a client must not send an event of this name, or `undefined` if it may. Names that begin with `$` are checked
 * elsewhere.
 */
export function refusalOf(event: string): string | undefined {
  return REFUSALS.get(event);
}
