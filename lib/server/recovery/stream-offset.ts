/**
 * Returns whether one offset of a Redis stream is later than another. An offset has two parts: milliseconds, and a
 * number among the entries of the same millisecond.
 */
export function isLater(offset: string, than: string): boolean {
  const [time, number] = parts(offset);
  const [otherTime, otherNumber] = parts(than);
  return time === otherTime ? number > otherNumber : time > otherTime;
}

/** Compares objects by their `offset`, for `sort`. */
export function byOffset(one: { readonly offset: string }, other: { readonly offset: string }): number {
  return isLater(one.offset, other.offset) ? 1 : -1;
}

/** Compares packets by their offset, which is their last element, for `sort`. */
export function byLastElement(one: readonly unknown[], other: readonly unknown[]): number {
  return isLater(String(one.at(-1)), String(other.at(-1))) ? 1 : -1;
}

function parts(offset: string): [number, number] {
  const [time, number] = offset.split('-');
  return [Number(time), Number(number)];
}
