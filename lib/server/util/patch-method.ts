/**
 * Replaces a method of one object.
 *
 * @param make returns the replacement; receives the original method
 * @returns a function that restores the original. It does nothing if other code has replaced the method in the
 * meantime: that replacement still calls ours.
 */
export function patchMethod<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  make: (original: Target[Name]) => Target[Name],
): () => void {
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  const replacement = make(target[name]);
  target[name] = replacement;
  return () => {
    if (target[name] !== replacement) return;
    if (descriptor === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, descriptor);
  };
}
