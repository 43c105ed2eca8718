import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Page } from 'playwright-core';

const AXE = readFileSync(join(process.cwd(), 'node_modules/axe-core/axe.min.js'), 'utf8');

/** Colours alone tell the two apart. */
const RUN = { light: 'axe.run()', dark: "axe.run({ runOnly: ['color-contrast'] })" };

interface Violation {
  id: string;
  help: string;
  nodes: { target: string[]; failureSummary: string }[];
}

/**
 * Returns what axe finds wrong with a page as it is shown now, in light and in dark colours. The empty list is what a test
 * expects.
 */
export async function violations(page: Page): Promise<string[]> {
  const found: string[] = [];
  // a page's own Content-Security-Policy does not apply to what the browser is told to run
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(AXE);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    // transitions between the colours are over; those that never end have no finish
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
