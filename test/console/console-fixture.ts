import type { AdminOptions } from '../../lib/explorer/index.js';
import type { AdminFailure, AdminRequests } from '../../lib/explorer/admin/wire.js';
import { startApp, startSharedApp, type AppOptions, type TestApp } from '../support/app.js';
import { TestClient, type ConnectOptions } from '../support/client.js';
import { AdminGuard, Admins, ChatGateway, PROVIDERS, setUpConsole } from './console-app.js';

export { AdminGuard, Admins, ChatGateway };

/** Starts a chat with its console on /ws-docs/console/live. */
export function startConsole(admin: Partial<AdminOptions> = {}, options: AppOptions = {}): Promise<TestApp> {
  return startApp({ providers: PROVIDERS }, { before: (app) => setUpConsole(app, admin), ...options });
}

/** The same for all tests of a file. The caller closes it. */
export function startSharedConsole(admin: Partial<AdminOptions>, options: AppOptions): Promise<TestApp> {
  return startSharedApp({ providers: PROVIDERS }, { before: (app) => setUpConsole(app, admin), ...options });
}

/** The credentials of an admin, as a page sends them. */
export function credentials(name: string): string[] {
  return ['envelope.v1', `envelope.auth.${Buffer.from(JSON.stringify({ name })).toString('base64url')}`];
}

/** An admin's connection to the console. */
export class Admin {
  private constructor(readonly client: TestClient) {}

  static async connect(app: TestApp, name = 'ada', options: ConnectOptions = {}): Promise<Admin> {
    const client = await app.connect('/ws-docs/console/live', { protocols: credentials(name), ...options });
    await client.next('$session');
    return new Admin(client);
  }

  /** Sends a request. Resolves with its answer. @throws (rejects) Error on an exception */
  async ask<Event extends keyof AdminRequests>(
    event: Event,
    ...data: AdminRequests[Event]['data'] extends undefined ? [] : [AdminRequests[Event]['data']]
  ): Promise<AdminRequests[Event]['answer']> {
    const answer = await this.client.ask(event, data[0]);
    if (answer.event === 'exception') throw new Error(JSON.stringify(answer.data));
    return answer.data as AdminRequests[Event]['answer'];
  }

  /** Sends any request. Resolves with the exception that answers it. */
  async refusal(event: string, data?: unknown): Promise<AdminFailure> {
    const answer = await this.client.ask(event, data);
    expect(answer).toMatchObject({ event: 'exception', data: { status: 'error' } });
    return answer.data as AdminFailure;
  }
}

/** Connects a client of the chat, and returns it with its id. */
export async function connectMember(
  app: TestApp,
  query: { user?: string; rooms?: string } = {},
): Promise<{ client: TestClient; id: string }> {
  const search = new URLSearchParams(query).toString();
  const client = await app.connect(`/ws?${search}`, { protocols: ['envelope.v1'] });
  const { data } = await client.next('$session');
  await client.settled();
  return { client, id: (data as { id: string }).id };
}
