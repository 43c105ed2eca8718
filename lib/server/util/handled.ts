/**
 * A promise that callers need not await, because its rejection is handled already. It has the members of
 * `Promise<void>`, but another name: linters (`no-floating-promises`) require an `await` for a type named `Promise`.
 */
export type Handled = Pick<Promise<void>, keyof Promise<void>>;
