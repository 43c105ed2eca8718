const said = new WeakMap<object, Set<string>>();

/** Whether this is the first call with that owner and subject: for notes that are logged once for each mount. */
export function isFirst(owner: object, subject: string): boolean {
  const subjects = said.get(owner) ?? new Set();
  said.set(owner, subjects);
  if (subjects.has(subject)) return false;
  subjects.add(subject);
  return true;
}
