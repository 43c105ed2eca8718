/**
 * A change to something that several applications of one process share, a class of gateways say: made by the
 * first that asks for it, undone by the last that lets go.
 */
export class SharedPatch<Target extends object> {
  private readonly applied = new WeakMap<Target, { count: number; undo: () => void }>();

  /** @param apply makes the change and returns what undoes it */
  acquire(target: Target, apply: (target: Target) => () => void): () => void {
    const known = this.applied.get(target);
    const entry = known ?? { count: 0, undo: apply(target) };
    if (known === undefined) this.applied.set(target, entry);
    entry.count++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--entry.count > 0) return;
      this.applied.delete(target);
      entry.undo();
    };
  }
}
