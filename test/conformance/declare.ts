import type { Check } from '../../lib/conformance/suite.js';
import type { EnvelopeOptions } from '../../lib/index.js';
import type { TestApp } from '../support/app.js';
import type { Connect } from '../support/client.js';
import { Server } from '../../lib/conformance/server/server.js';
import { startFixture } from './fixture.js';

/** Declares checks as tests of Jest. */
export function declare(checks: readonly Check[]): void {
  for (const { name, rules, skipped, run } of checks)
    (skipped === undefined ? it : it.skip)(`${name} (${rules.join(', ')})`, run);
}

/** Our own server has all that the checks need. */
export const OWN = { features: ['recovery'], maxPayload: 1_000_000 };

/** What runs in front of our own server. */
export type StartProxy = (url: string) => Promise<{ url: string; close(): Promise<void> }>;

/**
 * Returns our own server, which runs during the tests of the group.
 *
 * @param startProxy starts a proxy in front of it; receives the server's URL, and returns its own
 * @param connectTo opens clients by another transport
 * @param adapter options of the adapter
 */
export function ownServer(
  startProxy?: StartProxy,
  connectTo?: (app: TestApp) => Connect,
  adapter?: EnvelopeOptions,
): Server {
  let url = '';
  let connect: Connect | undefined;
  let close: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    const app = await startFixture({}, adapter);
    connect = connectTo?.(app);
    const proxy = await startProxy?.(app.url('/protocol'));
    url = proxy?.url ?? app.url('/protocol');
    close = async () => {
      await proxy?.close();
      await app.close();
    };
  });
  afterAll(() => close?.());
  return new Server(() => url, OWN, connectTo && ((...args) => connect!(...args)));
}
