import { closeRawClients } from '../../lib/conformance/raw-client.js';

export * from '../../lib/conformance/raw-client.js';

afterEach(closeRawClients);
