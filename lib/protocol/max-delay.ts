/** The longest delay of a timer, in milliseconds: about 24 days. A timer with a longer delay fires at once. */
export const MAX_DELAY = 2 ** 31 - 1;
