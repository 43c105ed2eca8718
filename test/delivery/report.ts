import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Counts } from './model.js';
import type { Outcome } from './run.js';
import type { FaultKind } from './schedule.js';

/** Violations of one run that are printed. */
const MAX_PRINTED = 12;

/** Adds up the outcomes of many runs. */
export class Report {
  private runs = 0;
  private readonly counts: Partial<Counts> = {};
  private readonly faults: Partial<Record<FaultKind, number>> = {};
  private readonly failures: string[] = [];
  private readonly begin = Date.now();

  constructor(private readonly name: string) {}

  /**
   * Adds a run.
   *
   * @param command runs it again
   * @returns whether it had no violation
   */
  async add(command: string, run: () => Promise<Outcome>, isVerbose: boolean): Promise<boolean> {
    this.runs++;
    const failures: string[] = [];
    try {
      const outcome = await run();
      const { counts, faults, violations } = outcome;
      sum(this.counts, counts);
      sum(this.faults, faults);
      if (violations.length > 0) save(outcome);
      for (const { kind, text } of violations) failures.push(`${kind}: ${text}`);
    } catch (error) {
      failures.push(String(error instanceof Error ? error.stack : error));
    }
    if (failures.length > 0) {
      const more = failures.length - MAX_PRINTED;
      const shown = failures.slice(0, MAX_PRINTED).concat(more > 0 ? [`and ${more} more`] : []);
      this.failures.push(`${shown.join('\n')}\nTo run it again: ${command}`);
      process.stderr.write(`${this.name}: ${this.failures.at(-1)}\n`);
    } else if (isVerbose) {
      const seconds = Math.round((Date.now() - this.begin) / 1_000);
      process.stderr.write(`${this.name}: run ${this.runs} after ${seconds} s\n`);
    }
    return failures.length === 0;
  }

  print(): void {
    const { runs, counts, faults, failures } = this;
    process.stderr.write(
      `${this.name}: ${JSON.stringify({ runs, ...counts, faults, violatedRuns: failures.length })}\n`,
    );
  }

  /** @throws Error with the violations, and the commands that run them again */
  assert(): void {
    const { failures, runs } = this;
    if (failures.length > 0) throw new Error(`${failures.length} of ${runs} runs:\n${failures.join('\n\n')}`);
  }
}

/** Writes all that is known of a run into the folder `DELIVERY_DUMP`. */
function save({ run, violations }: Outcome): void {
  const folder = process.env['DELIVERY_DUMP'];
  if (folder === undefined) return;
  const text = JSON.stringify({ violations, ...run }, (_, value: unknown) =>
    value instanceof Set ? [...(value as Set<unknown>)] : value,
  );
  writeFileSync(join(folder, `delivery-${run.schedule.seed}.json`), text);
}

function sum<Name extends string>(
  totals: Partial<Record<Name, number>>,
  counts: Readonly<Record<Name, number>>,
): void {
  for (const [name, count] of Object.entries(counts) as [Name, number][])
    totals[name] = (totals[name] ?? 0) + count;
}
