/**
 * A promise that nobody has to await: what it rejects with is handled. It is a `Promise<void>` in all but the name, by which linters
 * (`no-floating-promises`) ask for an `await`.
 */
export type Handled = Pick<Promise<void>, keyof Promise<void>>;
