import { Logger, type INestApplication } from '@nestjs/common';
import { contractToYaml, type Contract } from '../contract/index.js';
import { CLOSE_CODES } from '../protocol/close-codes.js';
import { contentSecurityPolicy } from './content-security-policy.js';
import { PAGE } from './page.js';
import { viewSession } from './session-view.js';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json; charset=utf-8',
  yaml: 'application/yaml; charset=utf-8',
};
const FORMATS: Readonly<Record<string, (contract: Contract) => string>> = {
  json: (contract) => JSON.stringify(contract, null, 2),
  yaml: contractToYaml,
};
const SECURITY_HEADERS = { 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' };
const NO_STORE = { 'Cache-Control': 'no-store' };

interface Answer {
  readonly status?: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}
interface Request {
  readonly url: string;
  readonly params: Readonly<Record<string, string | undefined>>;
}

type Route = (path: string, answer: (request: Request) => Answer | Promise<Answer>) => void;

/**
 * Serves the page below `base`, on any HTTP platform of Nest. Each file has a separate route, so that other paths get the
 * application's 404.
 *
 * @param isDevelopment whether the page may request the rooms of its connection, and receives the error if the contract fails
 */
export function serve(
  base: string,
  app: INestApplication,
  makeContract: () => Promise<Contract>,
  isDevelopment: boolean,
): void {
  const route = routesOf(app);
  let created: Promise<Contract> | undefined;
  const contract = (): Promise<Contract> => (created ??= makeContract());

  const page = ({ url }: Request): Promise<Answer> => pageAt(base, url, contract);
  route(base, page);
  try {
    route(`${base}/`, page);
  } catch {
    // a router that ignores the trailing slash refuses the second route
  }
  for (const [name, body] of Object.entries(PAGE)) {
    if (name !== 'index.html') route(`${base}/${name}`, () => ({ type: name.split('.').at(-1)!, body }));
  }
  for (const [type, write] of Object.entries(FORMATS))
    route(`${base}/asyncapi.${type}`, () => contractAs(type, write, contract, isDevelopment));
  const protocol = JSON.stringify({ closeCodes: Object.values(CLOSE_CODES), hasSessions: isDevelopment });
  route(`${base}/protocol.json`, () => ({ type: 'json', body: protocol }));
  if (isDevelopment) route(`${base}/sockets/:id`, ({ params }) => session(app, params.id));
}

function routesOf(app: INestApplication): Route {
  const http = app.getHttpAdapter();
  return (path, answer) =>
    http.get(path, async (request: Request, response: unknown) => {
      const { status = 200, type, body, headers } = await answer(request);
      const fields = {
        'Content-Type': TYPES[type]!,
        'Cache-Control': 'no-cache',
        ...SECURITY_HEADERS,
        ...headers,
      };
      for (const [name, value] of Object.entries(fields)) http.setHeader(response, name, value);
      await http.reply(response, body, status);
    });
}

async function pageAt(base: string, url: string, contract: () => Promise<Contract>): Promise<Answer> {
  const isFolder = url.split('?')[0]!.endsWith('/');
  // the links of the page are relative, so that it works behind a proxy that adds a prefix
  const here = isFolder ? './' : `./${base.split('/').at(-1)}/`;
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
