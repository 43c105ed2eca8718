import { Logger, type INestApplication } from '@nestjs/common';
import { contractToYaml, type Contract } from '../contract/index.js';
import { CLOSE_CODES } from '../protocol/close-code.js';
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
const SAFE = { 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' };
const FRESH = { 'Cache-Control': 'no-store' };

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

/**
 * Serves the page below `base` on whatever HTTP platform the application has. Each file has a route of its own: what
 * has none is the application's 404.
 *
 * @param isDevelopment whether the page may ask for the rooms of its connection, and is told why there is no contract
 */
export function serve(
  base: string,
  app: INestApplication,
  makeContract: () => Promise<Contract>,
  isDevelopment: boolean,
): void {
  const http = app.getHttpAdapter();
  const logger = new Logger('EnvelopeExplorer');
  let made: Promise<Contract> | undefined;
  const contract = (): Promise<Contract> => (made ??= makeContract());

  const route = (path: string, answer: (request: Request) => Answer | Promise<Answer>): void => {
    http.get(path, async (request: Request, response: unknown) => {
      const { status = 200, type, body, headers } = await answer(request);
      const fields = { 'Content-Type': TYPES[type]!, 'Cache-Control': 'no-cache', ...SAFE, ...headers };
      for (const [name, value] of Object.entries(fields)) http.setHeader(response, name, value);
      await http.reply(response, body, status);
    });
  };

  const page = async ({ url }: Request): Promise<Answer> => {
    const isFolder = url.split('?')[0]!.endsWith('/');
    // the page's own links are relative, so that it works below whatever prefix a proxy adds
    const here = isFolder ? './' : `./${base.split('/').at(-1)}/`;
    // the page itself says why there is no contract
    const known = await contract().catch(() => undefined);
    return {
      type: 'html',
      body: PAGE['index.html']!.replaceAll('"./', `"${here}`),
      headers: { 'Content-Security-Policy': contentSecurityPolicy(known) },
    };
  };
  route(base, page);
  try {
    route(`${base}/`, page);
  } catch {
    // a router that takes both for one refuses the second
  }
  for (const [name, body] of Object.entries(PAGE)) {
    if (name !== 'index.html') route(`${base}/${name}`, () => ({ type: name.split('.').at(-1)!, body }));
  }

  const file = (type: string, write: (contract: Contract) => string) => async (): Promise<Answer> => {
    try {
      return { type, body: write(await contract()) };
    } catch (error) {
      logger.error(error);
      return refuse(500, isDevelopment ? String(error) : 'Internal server error');
    }
  };
  route(
    `${base}/asyncapi.json`,
    file('json', (made) => JSON.stringify(made, null, 2)),
  );
  route(`${base}/asyncapi.yaml`, file('yaml', contractToYaml));
  const protocol = JSON.stringify({ closeCodes: Object.values(CLOSE_CODES), hasSessions: isDevelopment });
  route(`${base}/protocol.json`, () => ({ type: 'json', body: protocol }));
  if (isDevelopment) route(`${base}/sockets/:id`, ({ params }) => session(app, params.id));
}

function session(app: INestApplication, id = ''): Answer {
  const view = viewSession(app, id);
  if (view === undefined) return refuse(404, 'No connection of this process has this id');
  return { type: 'json', body: JSON.stringify(view), headers: FRESH };
}

function refuse(statusCode: number, message: string): Answer {
  return { status: statusCode, type: 'json', body: JSON.stringify({ statusCode, message }), headers: FRESH };
}
