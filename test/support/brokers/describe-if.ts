/**
 * Returns `describe` where a program is installed. Otherwise skips the tests and prints the reason; in CI they fail
 * instead.
 */
export function describeIf(isPresent: boolean, reason: string): jest.Describe {
  if (isPresent || process.env.CI === 'true') return describe;
  process.stderr.write(`${reason}: these tests are skipped\n`);
  return describe.skip;
}
