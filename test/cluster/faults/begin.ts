/** What a spec file has to start: all of it at the same time, before the first test. */
const begun: (() => void)[] = [];
beforeAll(() => begun.forEach((start) => start()));

/** @returns what resolves when it is through; of a suite that is left out nothing is started */
export function begin<Result>(suite: jest.Describe, run: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  if (suite !== describe.skip)
    begun.push(() => {
      result = run();
      // it is awaited when its turn comes
      result.catch(() => undefined);
    });
  return () => result!;
}
