import { BareClient, type Connect, type ConnectOptions } from '../../lib/conformance/bare-client.js';

export {
  Waiter,
  type Connect,
  type ConnectOptions,
  type Received,
} from '../../lib/conformance/bare-client.js';

/** Milliseconds. It only ends a wait that hangs: a busy machine takes long. */
const TIMEOUT = 60_000;

/** A bare client whose waits expire later than those of the conformance checks. */
export class TestClient extends BareClient {
  constructor(url: string, options: ConnectOptions = {}, connect?: Connect) {
    super(url, { timeout: TIMEOUT, ...options }, connect);
  }
}
