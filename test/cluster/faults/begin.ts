/** What the spec files have to set up. All of it starts at the same time, before the first test. */
const setups: (() => void)[] = [];
beforeAll(() => setups.forEach((setup) => setup()));

/** Runs the setup before the tests. @returns a function that resolves with its result; a skipped suite has no setup */
export function startBeforeTests<Result>(
  suite: jest.Describe,
  run: () => Promise<Result>,
): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  if (suite !== describe.skip)
    setups.push(() => {
      result = run();
      // The test that needs the result awaits it.
      result.catch(() => undefined);
    });
  return () => result!;
}
