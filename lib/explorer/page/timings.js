/** Round-trip times of requests in milliseconds: the last one, and the median and 95th percentile of the last 1,000. */
export class Timings {
  #all = [];

  add(milliseconds) {
    this.#all.push(milliseconds);
    if (this.#all.length > 1_000) this.#all.shift();
  }

  clear() {
    this.#all = [];
  }

  get count() {
    return this.#all.length;
  }
  get last() {
    return this.#all.at(-1);
  }
  get median() {
    return this.#percentile(0.5);
  }
  get p95() {
    return this.#percentile(0.95);
  }

  /** Returns the smallest value that at least this part of all values does not exceed. */
  #percentile(part) {
    const sorted = this.#all.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
  }
}

/** Formats milliseconds: `0.42 ms`, `12.3 ms`, `1,234 ms`. */
export function showMilliseconds(milliseconds) {
  const digits = milliseconds < 1 ? 2 : milliseconds < 100 ? 1 : 0;
  return digits === 0 ? `${showNumber(milliseconds)} ms` : `${milliseconds.toFixed(digits)} ms`;
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** Formats a whole number: `1,234`. */
export const showNumber = (number) => whole.format(number);
