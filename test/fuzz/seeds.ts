/**
 * The seeds of cases that once failed, by the name of their test. Each run begins with them. A failing case prints its
 * seed: add it here with the cause.
 */
export const SAVED_SEEDS: Readonly<Record<string, readonly number[]>> = {
  'receive a valid response or none, and connect only with a valid handshake': [
    132865580, // a request line without a version, as in HTTP/0.9, that ends with a line feed
    984931564, // a carriage return before the request line
  ],
};

/** Seeds and paths of fast-check for properties, by the name of their test. */
export const SAVED_PATHS: Readonly<Record<string, readonly { seed: number; path: string }[]>> = {};
