import { BareClient, type Connect, type ConnectOptions } from '../../lib/conformance/bare-client.js';
import { LONGEST_WAIT } from './longest-wait.js';

export {
  Waiter,
  type Connect,
  type ConnectOptions,
  type Received,
} from '../../lib/conformance/bare-client.js';

/** A bare client whose waits expire later than those of the conformance checks. */
export class TestClient extends BareClient {
  constructor(url: string, options: ConnectOptions = {}, connect?: Connect) {
    super(url, { timeout: LONGEST_WAIT, ...options }, connect);
  }
}
