export {
  BareClient as TestClient,
  Waiter,
  type Connect,
  type ConnectOptions,
  type Received,
} from '../../lib/conformance/bare-client.js';
