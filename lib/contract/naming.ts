/** Returns a reference within the document: a JSON Pointer (RFC 6901, section 6). The segments may be any text. */
export function pointer(...segments: string[]): string {
  return `#/${segments.map((one) => encodeURIComponent(one.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
}

/**
 * Returns a key for a name of the application. It changes only names that AsyncAPI tools would decode, could not write, or would
 * mistake for an extension or a reference.
 */
export function toKey(name: string): string {
  // with the flag u, \p{Cs} is an unpaired surrogate, which has no UTF-8 form
  const plain = name.replace(/[%\p{Cc}\p{Cs}]/gu, '_');
  return /^(?:\$|x-|__proto__$)/.test(plain) ? `event.${plain}` : plain;
}

/** Turns a path into a key: `/ws/chat` becomes `ws-chat`, and `/` becomes `root`. */
export function slug(path: string): string {
  const words = path.replace(/[^\p{L}\p{N}._~]+/gu, '-').replace(/^-|-$/g, '');
  return /^(?:x-|__proto__$)/.test(words) ? `path-${words}` : words || 'root';
}

/** Turns words into a type name: `ws-chat say.reply` becomes `WsChatSayReply`. */
export function typeName(words: string): string {
  return words.replace(
    /[^\p{L}\p{N}]*([\p{L}\p{N}]+)[^\p{L}\p{N}]*/gu,
    (_, word: string) => word[0]!.toUpperCase() + word.slice(1),
  );
}

/** Returns the key, with a number if it is taken. */
export function unique(taken: { has(key: string): boolean }, key: string): string {
  let free = key;
  for (let count = 2; taken.has(free); count++) free = `${key}.${count}`;
  return free;
}

/** Returns a record in the order of its keys, so that the document does not depend on the order of imports. */
export function sorted<Value>(entries: Iterable<readonly [string, Value]>): Record<string, Value> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** Returns `undefined` for an empty record: AsyncAPI omits empty fields. */
export function unlessEmpty<Value>(record: Record<string, Value>): Record<string, Value> | undefined {
  return Object.keys(record).length === 0 ? undefined : record;
}
