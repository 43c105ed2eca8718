import type { ModuleMetadata } from '@nestjs/common';
import { EnvelopeTransport, type EnvelopeTransportOptions } from '../../lib/microservices/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';

/** One message of the microservice protocol as received. */
export interface ReceivedMessage {
  kind: 'response' | 'error';
  pattern: unknown;
  payload?: any; // eslint-disable-line -- tests read any field of a payload
  metadata: object;
  id?: string | number;
  more?: true;
}

/** Starts a hybrid application with a gateway server and a microservice. */
export async function startHybrid(
  metadata: ModuleMetadata,
  { transport, ...options }: AppOptions & { transport?: EnvelopeTransportOptions } = {},
): Promise<TestApp> {
  const app = await startApp(metadata, options);
  app.nest.connectMicroservice(
    { strategy: new EnvelopeTransport(app.adapter, transport) },
    { inheritAppConfig: true },
  );
  await app.nest.startAllMicroservices();
  return app;
}

export function sendMessage(
  client: TestClient,
  kind: 'message' | 'event',
  pattern: unknown,
  payload: unknown,
  more: object = {},
): void {
  client.send({ kind, pattern, payload, metadata: {}, ...more });
}

/** Returns all received messages of the microservice protocol. */
export function receivedMessages(client: TestClient): ReceivedMessage[] {
  return (client.frames as unknown as ReceivedMessage[]).filter(({ kind }) => kind !== undefined);
}

/** Waits for the last message with that id. */
export async function answerOf(
  client: TestClient,
  id: string | number | undefined,
): Promise<ReceivedMessage> {
  const find = (): ReceivedMessage | undefined =>
    receivedMessages(client).find((one) => one.id === id && one.more === undefined);
  await client.until(`an answer to ${String(id)}`, () => find() !== undefined);
  return find()!;
}

let ids = 0;

export function ask(client: TestClient, pattern: unknown, payload: unknown = null): Promise<ReceivedMessage> {
  const id = `ask-${++ids}`;
  sendMessage(client, 'message', pattern, payload, { id });
  return answerOf(client, id);
}
