import { validateHeaderName, validateHeaderValue } from 'node:http';

/** Headers that a guard cannot set. The server sets them: a refusal has a JSON body, and ends the connection. */
const RESERVED = new Set(['connection', 'content-length', 'content-type', 'transfer-encoding', 'upgrade']);

/** The response of `switchToHttp()` for a guard at the upgrade. A refusal is sent with the headers that the guard sets. */
export class UpgradeResponse {
  private readonly fields = new Map<string, { name: string; value: string }>();

  /**
   * Sets a header, as in Node, Express and Fastify. Ignores headers that the server sets.
   *
   * @throws TypeError on an invalid name or value
   */
  setHeader(name: string, value: number | string | readonly string[]): this {
    const text = Array.isArray(value) ? value.join(', ') : String(value);
    validateHeaderName(name);
    validateHeaderValue(name, text);
    if (!RESERVED.has(name.toLowerCase())) this.fields.set(name.toLowerCase(), { name, value: text });
    return this;
  }

  /** The same as {@link setHeader}, by its name in Express and Fastify. */
  header(name: string, value: number | string | readonly string[]): this {
    return this.setHeader(name, value);
  }

  /** Returns the value of a header; `undefined` if no guard has set it. */
  getHeader(name: string): string | undefined {
    return this.fields.get(name.toLowerCase())?.value;
  }

  /** @internal The headers by their names. */
  get _headers(): Record<string, string> {
    return Object.fromEntries([...this.fields.values()].map(({ name, value }) => [name, value]));
  }
}
