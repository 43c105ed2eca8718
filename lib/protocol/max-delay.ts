/** Milliseconds: timers take no more, some 24 days. Asked for more they do not wait at all. */
export const MAX_DELAY = 2 ** 31 - 1;
