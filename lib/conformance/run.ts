import type { Check } from './suite.js';

/** What became of one check. */
export interface Result {
  readonly check: Check;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped. */
  readonly reason: string | undefined;
}

/**
 * Runs checks one after the other.
 *
 * @param onResult called after each check
 * @param signal ends the run after the present check
 */
export async function runChecks(
  checks: readonly Check[],
  onResult: (result: Result) => void,
  signal?: AbortSignal,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const check of checks) {
    if (signal?.aborted === true) break;
    const result = await runCheck(check);
    results.push(result);
    onResult(result);
  }
  return results;
}

async function runCheck(check: Check): Promise<Result> {
  if (check.skipped !== undefined) return { check, outcome: 'skipped', reason: check.skipped };
  try {
    await check.run();
    return { check, outcome: 'passed', reason: undefined };
  } catch (error) {
    return { check, outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** How the checks of one rule of PROTOCOL.md ended. */
interface RuleResult {
  readonly rule: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Returns the results rule by rule, in the order of PROTOCOL.md. */
export function byRule(results: readonly Result[]): RuleResult[] {
  const rules = new Map<string, { passed: number; failed: number; skipped: number }>();
  for (const { check, outcome } of results)
    for (const rule of check.rules) {
      const counts = rules.get(rule) ?? { passed: 0, failed: 0, skipped: 0 };
      counts[outcome]++;
      rules.set(rule, counts);
    }
  return [...rules]
    .map(([rule, counts]) => ({ rule, ...counts }))
    .sort((one, other) => position(one.rule) - position(other.rule));
}

function position(rule: string): number {
  const [section = 0, number = 0] = rule.split('.').map(Number);
  return section * 1_000 + number;
}
