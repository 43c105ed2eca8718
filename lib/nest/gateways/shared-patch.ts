/**
 * A change to an object that several applications of one process share, such as the class of a gateway. The first
 * application that acquires it makes the change, and the last one that releases it undoes the change.
 */
export class SharedPatch<Target extends object> {
  private readonly applied = new WeakMap<Target, { count: number; undo: () => void }>();

  /**
   * Makes the change, if no other application has.
   *
   * @param apply makes the change, and returns a function that undoes it
   * @returns a function that releases the change; a second call of it does nothing
   */
  acquire(target: Target, apply: (target: Target) => () => void): () => void {
    const known = this.applied.get(target);
    const entry = known ?? { count: 0, undo: apply(target) };
    if (known === undefined) this.applied.set(target, entry);
    entry.count++;
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      if (--entry.count > 0) return;
      this.applied.delete(target);
      entry.undo();
    };
  }
}
