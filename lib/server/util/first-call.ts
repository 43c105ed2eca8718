const seen = new WeakMap<object, Set<string>>();

/** Returns whether this is the first call with this owner and subject. Used to log a note once per endpoint. */
export function isFirstCall(owner: object, subject: string): boolean {
  const subjects = seen.get(owner) ?? new Set();
  seen.set(owner, subjects);
  if (subjects.has(subject)) return false;
  subjects.add(subject);
  return true;
}
