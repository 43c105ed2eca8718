import type { INestApplication } from '@nestjs/common';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json; charset=utf-8',
  yaml: 'application/yaml; charset=utf-8',
};
const SECURITY_HEADERS = { 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' };

/** A header that keeps an answer out of all caches. */
export const NO_STORE = { 'Cache-Control': 'no-store' };

export interface Answer {
  /** Default: 200 */
  readonly status?: number;
  /** The extension of the file, such as `html`. */
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PageRequest {
  readonly url: string;
  readonly params: Readonly<Record<string, string | undefined>>;
}

/** Serves one path of a page with GET and HEAD. */
export type Route = (path: string, answer: (request: PageRequest) => Answer | Promise<Answer>) => void;

/** Returns a function that adds routes to an application, on any HTTP platform of Nest. */
export function routesOf(app: INestApplication): Route {
  const http = app.getHttpAdapter();
  return (path, answer) =>
    http.get(path, async (request: PageRequest, response: unknown) => {
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

/** Serves a page on its path, and on the same path with a trailing slash. */
export function routePage(
  route: Route,
  path: string,
  answer: (request: PageRequest) => Answer | Promise<Answer>,
): void {
  route(path, answer);
  try {
    route(`${path}/`, answer);
  } catch {
    // a router that ignores the trailing slash refuses the second route
  }
}

/** Serves a file of a page. Its extension decides its content type. */
export function routeFile(route: Route, path: string, body: string): void {
  route(path, () => ({ type: path.split('.').at(-1)!, body }));
}

/** Whether the browser resolves relative links of the page in the folder of the page's name, and not beside it. */
export function isFolder({ url }: PageRequest): boolean {
  return url.split('?')[0]!.endsWith('/');
}
