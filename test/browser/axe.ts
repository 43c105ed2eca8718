import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Page } from 'playwright-core';

const AXE = readFileSync(join(process.cwd(), 'node_modules/axe-core/axe.min.js'), 'utf8');

/** The two colour schemes differ in their colours only. */
const RUN = { light: 'axe.run()', dark: "axe.run({ runOnly: ['color-contrast'] })" };

interface Violation {
  id: string;
  help: string;
  nodes: { target: string[]; failureSummary: string }[];
}

/**
 * Returns the violations that axe finds on a page in its current state, in light and in dark colours. Tests expect an
 * empty list.
 */
export async function violations(page: Page): Promise<string[]> {
  const found: string[] = [];
  // The Content-Security-Policy of a page does not apply to `evaluate`.
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(AXE);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    // Waits for the end of colour transitions. Infinite animations never finish.
    await page.evaluate(
      'Promise.all(document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity).map((one) => one.finished.catch(() => undefined)))',
    );
    const { violations } = await page.evaluate<{ violations: Violation[] }>(RUN[colorScheme]);
    for (const { id, help, nodes } of violations)
      for (const { target, failureSummary } of nodes)
        found.push(`${colorScheme}: ${id} (${help}) at ${target.join(' ')}: ${failureSummary}`);
  }
  await page.emulateMedia({ colorScheme: null });
  return found;
}
