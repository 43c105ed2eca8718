import type { INestApplication } from '@nestjs/common';
import { CLOSE_CODES } from '../protocol/close-codes.js';
import { CONSOLE_PAGE } from './console-page.js';
import { contentSecurityPolicy } from './content-security-policy.js';
import { isFolder, routeFile, routePage, routesOf, type Answer, type PageRequest } from './page-routes.js';
import { PAGE } from './page.js';

/** Files of the explorer that the console uses, too. */
const SHARED = ['style.css', 'icon.svg', 'dom.js', 'connection.js', 'bytes.js', 'message-pack.js'];

/**
 * Serves the page of the console on `base/console`. The page contains no data of the application.
 *
 * @param hasExplorer whether the explorer is served on `base`. Otherwise the files that the console shares with it are served here
 */
export function serveConsolePage(base: string, app: INestApplication, hasExplorer: boolean): void {
  const route = routesOf(app);
  routePage(route, `${base}/console`, pageAt);
  for (const [name, body] of Object.entries(CONSOLE_PAGE))
    if (name !== 'index.html') routeFile(route, `${base}/console/${name}`, body);
  if (!hasExplorer) for (const name of SHARED) routeFile(route, `${base}/${name}`, PAGE[name]!);
  const settings = JSON.stringify({ hasExplorer, closeCodes: Object.values(CLOSE_CODES) });
  route(`${base}/console/settings.json`, () => ({ type: 'json', body: settings }));
}

function pageAt(request: PageRequest): Answer {
  const body = CONSOLE_PAGE['index.html']!;
  return {
    type: 'html',
    // the links of the page are relative, so that it works behind a proxy that adds a prefix
    body: isFolder(request) ? body.replaceAll('"./', '"../') : body,
    headers: { 'Content-Security-Policy': contentSecurityPolicy(undefined) },
  };
}
