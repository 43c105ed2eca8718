export { createTestClient, TestClient } from './test-client.js';
export type { EventData, TestClientOptions } from './test-client.js';
export type { ReceivedEvent } from './inbox.js';
export { UpgradeRefusedError, type ClosedLine } from './wire.js';
export { ConnectError, DisconnectedError, RequestError } from '../client/public-api.js';
export type { Credentials, DefaultEventsMap, EventsMap } from '../client/public-api.js';
