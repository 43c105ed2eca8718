import type { ModuleMetadata } from '@nestjs/common';
import { EnvelopeTransport, type EnvelopeTransportOptions } from '../../lib/microservices/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';

/** One message of the microservice protocol, as it came over the wire. */
export interface Said {
  kind: 'response' | 'error';
  pattern: unknown;
  payload?: any; // eslint-disable-line -- tests look into payloads freely
  metadata: object;
  id?: string | number;
  more?: true;
}

/** A hybrid application. */
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

export function say(
  client: TestClient,
  kind: 'message' | 'event',
  pattern: unknown,
  payload: unknown,
  more: object = {},
): void {
  client.send({ kind, pattern, payload, metadata: {}, ...more });
}

/** All that came of the microservice protocol. */
export function said(client: TestClient): Said[] {
  return (client.frames as unknown as Said[]).filter(({ kind }) => kind !== undefined);
}

/** The last word to that id. */
export async function answerOf(client: TestClient, id: string | number | undefined): Promise<Said> {
  const find = (): Said | undefined => said(client).find((one) => one.id === id && one.more === undefined);
  await client.until(`an answer to ${String(id)}`, () => find() !== undefined);
  return find()!;
}

let ids = 0;

export function ask(client: TestClient, pattern: unknown, payload: unknown = null): Promise<Said> {
  const id = `ask-${++ids}`;
  say(client, 'message', pattern, payload, { id });
  return answerOf(client, id);
}
