import { Logger, type INestApplication } from '@nestjs/common';
import { contractToYaml, type Contract } from '../contract/index.js';
import { findAdapter } from '../nest/gateways/find-adapter.js';
import { CLOSE_CODES } from '../protocol/close-codes.js';
import { contentSecurityPolicy } from './content-security-policy.js';
import { PAGE } from './page.js';
import {
  isFolder,
  NO_STORE,
  routeFile,
  routePage,
  routesOf,
  type Answer,
  type PageRequest,
} from './page-routes.js';
import { viewSession } from './session-view.js';

const FORMATS: Readonly<Record<string, (contract: Contract) => string>> = {
  json: (contract) => JSON.stringify(contract, null, 2),
  yaml: contractToYaml,
};

/**
 * Serves the page below `base`, on any HTTP platform of Nest. Each file has a separate route, so that other paths get the
 * application's 404.
 *
 * @param isDevelopment whether the page may request the rooms of its connection, and receives the error if the contract fails
 * @param hasConsole whether the page links to the console
 */
export function serve(
  base: string,
  app: INestApplication,
  makeContract: () => Promise<Contract>,
  isDevelopment: boolean,
  hasConsole = false,
): void {
  const route = routesOf(app);
  let created: Promise<Contract> | undefined;
  const contract = (): Promise<Contract> => (created ??= makeContract());

  routePage(route, base, (request) => pageAt(base, request, contract));
  for (const [name, body] of Object.entries(PAGE))
    if (name !== 'index.html') routeFile(route, `${base}/${name}`, body);
  for (const [type, write] of Object.entries(FORMATS))
    route(`${base}/asyncapi.${type}`, () => contractAs(type, write, contract, isDevelopment));
  route(`${base}/protocol.json`, () => ({
    type: 'json',
    body: JSON.stringify({
      closeCodes: Object.values(CLOSE_CODES),
      hasSessions: isDevelopment,
      hasConsole,
      // the adapter may be set after the explorer
      encodings: findAdapter(app)?._options.encodings?.map(({ _protocol }) => _protocol) ?? [],
    }),
  }));
  if (isDevelopment) route(`${base}/sockets/:id`, ({ params }) => session(app, params.id));
}

async function pageAt(
  base: string,
  request: PageRequest,
  contract: () => Promise<Contract>,
): Promise<Answer> {
  // the links of the page are relative, so that it works behind a proxy that adds a prefix
  const here = isFolder(request) ? './' : `./${base.split('/').at(-1)}/`;
  // if the contract fails, the page requests it and shows the error
  const known = await contract().catch(() => undefined);
  return {
    type: 'html',
    body: PAGE['index.html']!.replaceAll('"./', `"${here}`),
    headers: { 'Content-Security-Policy': contentSecurityPolicy(known) },
  };
}

async function contractAs(
  type: string,
  write: (contract: Contract) => string,
  contract: () => Promise<Contract>,
  isDevelopment: boolean,
): Promise<Answer> {
  try {
    return { type, body: write(await contract()) };
  } catch (error) {
    new Logger('EnvelopeExplorer').error(error);
    return refuse(500, isDevelopment ? String(error) : 'Internal server error');
  }
}

function session(app: INestApplication, id = ''): Answer {
  const view = viewSession(app, id);
  if (view === undefined) return refuse(404, 'No connection of this process has this id');
  return { type: 'json', body: JSON.stringify(view), headers: NO_STORE };
}

function refuse(statusCode: number, message: string): Answer {
  return {
    status: statusCode,
    type: 'json',
    body: JSON.stringify({ statusCode, message }),
    headers: NO_STORE,
  };
}
