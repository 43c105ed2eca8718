/** `describe` where a program is there; where not, its tests are left out and say why, but in CI they fail instead. */
export function describeIf(isPresent: boolean, reason: string): jest.Describe {
  if (isPresent || process.env.CI === 'true') return describe;
  process.stderr.write(`${reason}: these tests are skipped\n`);
  return describe.skip;
}
