/**
 * Milliseconds after which a wait counts as a hang, and fails. Nothing that works takes nearly as long on a usual machine: a
 * slow one that runs four specs at a time takes fifty times as long.
 */
export const LONGEST_WAIT = 240_000;
