import type { Attributes, Meter, ObservableResult } from '@opentelemetry/api';

/** A number per route. The SDK reads the numbers when it collects. */
export class RouteCounter {
  private readonly counts = new Map<string, number>();

  add(route: string, by: number): void {
    this.counts.set(route, (this.counts.get(route) ?? 0) + by);
  }

  /**
   * Reports all numbers.
   *
   * @param attributesOf returns the attributes of a route
   */
  report(result: ObservableResult, attributesOf: (route: string) => Attributes): void {
    for (const [route, count] of this.counts) result.observe(count, attributesOf(route));
  }
}

/**
 * Creates a counter that reads {@link RouteCounter}s at collection, so that a message costs one addition. The SDK's counter sorts and
 * hashes its attributes at each addition, which costs as much as everything else that a message does.
 *
 * @returns a function that stops it
 */
export function observeCounters(
  meter: Meter,
  name: string,
  unit: string,
  description: string,
  sources: readonly (readonly [RouteCounter, (route: string) => Attributes])[],
): () => void {
  const counter = meter.createObservableCounter(name, { unit, description });
  const report = (result: ObservableResult): void =>
    sources.forEach(([source, attributesOf]) => source.report(result, attributesOf));
  counter.addCallback(report);
  return () => counter.removeCallback(report);
}
