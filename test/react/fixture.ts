import { showPage, text } from './page.js';
import { createElement, StrictMode, type ReactElement, type ReactNode } from 'react';
import * as testing from '@testing-library/react/pure.js';
import type { ClientOptions } from '../../lib/client/node.js';
import { createEnvelopeHooks } from '../../lib/react/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { until as untilTrue } from '../support/wait.js';
import { PageGateway, type Emits, type Listens } from './gateway.js';

export const hooks = createEnvelopeHooks<Listens, Emits>();
export const { render, act } = testing;
export const h = createElement;

/** Short reconnection delays for tests. */
export const QUICK: ClientOptions = { reconnectionDelay: 20, reconnectionDelayMax: 100 };

export interface Started {
  app: TestApp;
  gateway: PageGateway;
  url: string;
  /** Puts elements below the provider of this server. */
  page(...children: ReactNode[]): ReactElement;
}

/** Starts a server. */
export async function start(options: AppOptions = { adapter: { shutdownTimeout: 10 } }): Promise<Started> {
  const app = await startApp({ providers: [PageGateway] }, options);
  const url = app.url('/page');
  const page = (...children: ReactNode[]): ReactElement =>
    h(hooks.EnvelopeProvider, { url, options: QUICK }, ...children, h(Registered));
  return { app, gateway: app.nest.get(PageGateway), url, page };
}

export const strict = (...children: ReactNode[]): ReactElement => h(StrictMode, null, ...children);

/** Records the values of each render. */
export function recorder<Value>(read: () => Value): { seen: Value[]; Component: () => null } {
  const seen: Value[] = [];
  return { seen, Component: () => (seen.push(read()), null) };
}

/** Resolves when the condition holds. An error says what the page shows, and the state of its connections. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  try {
    await untilTrue(what, condition);
  } catch (error) {
    const states = [...sockets].map(({ state }) => state).join(', ');
    throw new Error(`${String(error)}. The page shows "${text()}"; connections: ${states}`, { cause: error });
  }
}

/** Waits until each client of the server is disconnected. */
export const allGone = (gateway: PageGateway): Promise<void> =>
  until('the end of all connections', () => gateway.clients.every(({ connected }) => !connected));

const sockets = new Set<{ readonly state: string; disconnect(): unknown }>();
const Registered = (): null => (sockets.add(hooks.useSocket()), null);

afterEach(() => {
  showPage(true);
  testing.cleanup();
  // the page would do so a second later
  for (const socket of sockets) socket.disconnect();
  sockets.clear();
});
