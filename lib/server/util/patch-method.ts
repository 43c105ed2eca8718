/**
 * Lays a function over a method of one object.
 *
 * @returns what takes it off again. Where another overlay was laid above by then, it cannot: ours stays as a way through.
 */
export function patchMethod<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  make: (underneath: Target[Name]) => Target[Name],
): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  const laid = make(target[name]);
  target[name] = laid;
  return () => {
    if (target[name] !== laid) return;
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, own);
  };
}
