/**
 * Where the answers of handlers with `@Once()` are kept, and the claims of those that run. Names and values are texts that it need not
 * understand: names have 43 characters, values up to 65,700.
 *
 * @example
 * const onceStore: OnceStore = {
 *   claim: (name, value, time) => table.insertIfAbsent(name, value, time),
 *   replace: (name, expected, value, time) => table.replaceIf(name, expected, value, time),
 * };
 * new EnvelopeAdapter(app, { onceStore });
 */
export interface OnceStore {
  /**
   * Stores a value for a time, unless there is one already. It must be atomic.
   *
   * @param time milliseconds
   * @param owner names the user, or the address of a client without one: a store that must forget something can forget what
   *   belongs to those who have the most. A text of any length
   * @returns (resolves to) the value that was there before; `undefined`: the new one was stored
   */
  claim(name: string, value: string, time: number, owner?: string): Promise<string | undefined>;
  /**
   * Stores another value, or removes the value, unless there is another one than `expected`. It must be atomic.
   *
   * @param value the value to store; `undefined` removes the present one
   * @param time milliseconds
   */
  replace(name: string, expected: string, value: string | undefined, time: number): Promise<void>;
}
