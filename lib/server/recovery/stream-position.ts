/** Positions of a Redis stream: milliseconds, and a number among those of the same one. */
export function isLater(offset: string, than: string): boolean {
  const [time, number] = parts(offset);
  const [otherTime, otherNumber] = parts(than);
  return time === otherTime ? number > otherNumber : time > otherTime;
}

export function inOrder(one: { readonly offset: string }, other: { readonly offset: string }): number {
  return isLater(one.offset, other.offset) ? 1 : -1;
}

/** Of packets, whose last field is the position. */
export function byLast(one: readonly unknown[], other: readonly unknown[]): number {
  return isLater(String(one.at(-1)), String(other.at(-1))) ? 1 : -1;
}

function parts(offset: string): [number, number] {
  const [time, number] = offset.split('-');
  return [Number(time), Number(number)];
}
