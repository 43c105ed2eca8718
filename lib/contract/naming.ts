/** A reference within the document: a JSON Pointer (RFC 6901, section 6) whose segments may be any text. */
export function pointer(...segments: string[]): string {
  return `#/${segments.map((one) => encodeURIComponent(one.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
}

/**
 * A key for a name of the application's. Most are as they are; what tools decode, take for an extension or for a
 * reference, or cannot write, is not.
 */
export function toKey(name: string): string {
  // with the flag u, the last one is half a surrogate pair: no text, and no URI
  const plain = name.replace(/[%\p{Cc}\p{Cs}]/gu, '_');
  return /^(?:\$|x-|__proto__$)/.test(plain) ? `event.${plain}` : plain;
}

/** `/ws/chat` is `ws-chat`, `/` is `root`. */
export function slug(path: string): string {
  const words = path.replace(/[^\p{L}\p{N}._~]+/gu, '-').replace(/^-|-$/g, '');
  return /^(?:x-|__proto__$)/.test(words) ? `path-${words}` : words || 'root';
}

/** `ws-chat say.reply` is `WsChatSayReply`. */
export function typeName(words: string): string {
  return words.replace(
    /[^\p{L}\p{N}]*([\p{L}\p{N}]+)[^\p{L}\p{N}]*/gu,
    (_, word: string) => word[0]!.toUpperCase() + word.slice(1),
  );
}

/** The key, or where that is taken already the key with a number. */
export function unique(taken: { has(key: string): boolean }, key: string): string {
  let free = key;
  for (let count = 2; taken.has(free); count++) free = `${key}.${count}`;
  return free;
}

/** As a record in the order of its keys, whatever the order in which modules were imported. */
export function sorted<Value>(entries: Iterable<readonly [string, Value]>): Record<string, Value> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** Nothing, where it has no entry: AsyncAPI's way is to leave such a field out. */
export function unlessEmpty<Value>(record: Record<string, Value>): Record<string, Value> | undefined {
  return Object.keys(record).length === 0 ? undefined : record;
}
