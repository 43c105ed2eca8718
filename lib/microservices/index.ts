export { EnvelopeClient, type EnvelopeClientOptions, type EnvelopeClientStatus } from './envelope-client.js';
export { EnvelopeContext } from './envelope-context.js';
export {
  ENVELOPE,
  EnvelopeTransport,
  type EnvelopeTransportEvents,
  type EnvelopeTransportOptions,
} from './envelope-transport.js';
