import type { Attributes, Meter, ObservableResult } from '@opentelemetry/api';

/** Counts what each message adds to, by route; the SDK asks for it when it collects. */
export class RouteCounter {
  private readonly counts = new Map<string, number>();

  add(route: string, by: number): void {
    this.counts.set(route, (this.counts.get(route) ?? 0) + by);
  }

  /** @param attributesOf asked when figures are collected */
  tell(result: ObservableResult, attributesOf: (route: string) => Attributes): void {
    for (const [route, count] of this.counts) result.observe(count, attributesOf(route));
  }
}

/**
 * A counter that costs nothing but a number: one of the SDK's sorts and hashes its attributes each time that it is added
 * to, which is as much as all else that a message costs.
 *
 * @returns what ends it
 */
export function tellTally(
  meter: Meter,
  name: string,
  unit: string,
  description: string,
  told: readonly (readonly [RouteCounter, (route: string) => Attributes])[],
): () => void {
  const counter = meter.createObservableCounter(name, { unit, description });
  const tell = (result: ObservableResult): void =>
    told.forEach(([tally, attributesOf]) => tally.tell(result, attributesOf));
  counter.addCallback(tell);
  return () => counter.removeCallback(tell);
}
