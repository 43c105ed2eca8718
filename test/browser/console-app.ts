import { startApp, type TestApp } from '../support/app.js';
import type { AdapterFactory } from '../../lib/index.js';
import { setUpConsole, TalkGateway, type ConsoleOptions } from './console-gateway.js';

/** Starts an application with the console, whose clients name their addresses in the header of a proxy. */
export function startTalkBehindProxy(options: ConsoleOptions = {}): Promise<TestApp> {
  return startApp(
    { providers: [TalkGateway] },
    {
      before: (app) => setUpConsole(app, options),
      listen: { host: '127.0.0.1', port: 0 },
      adapter: { trustProxy: 'loopback' },
    },
  );
}

/**
 * Starts an application with the console.
 *
 * @param port default: a free one
 * @param adapter of the cluster that it is a node of
 */
export function startTalk(
  options: ConsoleOptions = {},
  port = 0,
  adapter?: AdapterFactory,
): Promise<TestApp> {
  return startApp(
    { providers: [TalkGateway] },
    {
      before: (app) => setUpConsole(app, options),
      listen: { host: '127.0.0.1', port },
      adapter: adapter === undefined ? {} : { adapter },
    },
  );
}
