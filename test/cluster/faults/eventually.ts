export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));

/** Resolves once the condition holds; looked at again and again, with pauses: processes of the same machine are at work. */
export async function eventually(what: string, holds: () => boolean, patience = 20_000): Promise<void> {
  const deadline = Date.now() + patience;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${patience} ms`);
    await pause(50);
  }
}
