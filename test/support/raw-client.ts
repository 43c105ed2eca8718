import { closeRawClients, RawClient as ConformanceClient } from '../../lib/conformance/raw-client.js';
import { LONGEST_WAIT } from './longest-wait.js';

export * from '../../lib/conformance/raw-client.js';

/** A raw client whose waits expire later than those of the conformance checks. */
export class RawClient extends ConformanceClient {
  static override connect(
    port: number,
    path: string,
    headers?: Record<string, string>,
    timeout = LONGEST_WAIT,
    host?: string,
  ): Promise<RawClient> {
    return super.connect(port, path, headers, timeout, host);
  }
}

afterEach(closeRawClients);
