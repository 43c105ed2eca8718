export { createTestClient, TestClient } from './test-client.js';
export type { EventData, TestClientOptions } from './test-client.js';
export type { ReceivedEvent } from './inbox.js';
export { UpgradeRefusedError, type ClosedLine } from './test-web-socket.js';
export { ConnectError, DisconnectedError, RequestError, TimeoutError } from '../client/public-api.js';
export type { Credentials, DefaultEventsMap, EnvelopeErrorCode, EventsMap } from '../client/public-api.js';
