import { validateHeaderName, validateHeaderValue } from 'node:http';

/** The refusal's own: its body is JSON, and the connection is over with it. */
const RESERVED = new Set(['connection', 'content-length', 'content-type', 'transfer-encoding', 'upgrade']);

/** What a guard of the upgrade gets for a response: the headers that it sets go out with a refusal. */
export class UpgradeResponse {
  private readonly fields = new Map<string, { name: string; value: string }>();

  /** As Node's, Express's and Fastify's. @throws TypeError on a name or a value that no header can have */
  setHeader(name: string, value: number | string | readonly string[]): this {
    const text = Array.isArray(value) ? value.join(', ') : String(value);
    validateHeaderName(name);
    validateHeaderValue(name, text);
    if (!RESERVED.has(name.toLowerCase())) this.fields.set(name.toLowerCase(), { name, value: text });
    return this;
  }

  /** Express's and Fastify's name for {@link setHeader}. */
  header(name: string, value: number | string | readonly string[]): this {
    return this.setHeader(name, value);
  }

  getHeader(name: string): string | undefined {
    return this.fields.get(name.toLowerCase())?.value;
  }

  /** @internal */
  get _headers(): Record<string, string> {
    return Object.fromEntries([...this.fields.values()].map(({ name, value }) => [name, value]));
  }
}
