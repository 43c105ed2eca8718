import { closeRawClients, RawClient as ConformanceClient } from '../../lib/conformance/raw-client.js';

export * from '../../lib/conformance/raw-client.js';

/** Milliseconds. It only ends a wait that hangs: a busy machine takes long. */
const TIMEOUT = 60_000;

/** A raw client whose waits expire later than those of the conformance checks. */
export class RawClient extends ConformanceClient {
  static override connect(
    port: number,
    path: string,
    headers?: Record<string, string>,
    timeout = TIMEOUT,
    host?: string,
  ): Promise<RawClient> {
    return super.connect(port, path, headers, timeout, host);
  }
}

afterEach(closeRawClients);
