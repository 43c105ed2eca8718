const IDENTIFIERS = ['sub', 'id', 'userId', '_id', 'username', 'email'];

/** What names a user: a text or a number by itself, else the first field that does; `undefined`: nobody in particular. */
export function identify(user: unknown): string | undefined {
  if (typeof user === 'string' || typeof user === 'number') return String(user);
  if (typeof user !== 'object' || user === null) return undefined;
  const name = IDENTIFIERS.find((field) => isKnown(Reflect.get(user, field)));
  return name === undefined ? undefined : `${name} ${textOf(Reflect.get(user, name))}`;
}

/** Databases have identifiers that are objects; String() would make the same of all that say nothing of their own. */
function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function isKnown(value: unknown): boolean {
  return value !== undefined && value !== null;
}
