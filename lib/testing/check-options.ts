import { assertOptions, isRecordLike, refuse, refuseOption } from '../protocol/refuse.js';

const WHERE = 'createTestClient';
const APP = 'a Nest application with an HTTP server, such as module.createNestApplication()';

/** The accepted values of each option: a description for the error, and a check. */
const RULES: Readonly<Record<string, readonly [takes: string, accepts: (value: unknown) => boolean]>> = {
  path: ["a text, such as '/chat'", (value) => typeof value === 'string'],
  auth: [
    'a token, an object or a function',
    (value) => ['string', 'object', 'function'].includes(typeof value),
  ],
  headers: ["an object, such as { cookie: 'a=1' }", isRecordLike],
  timeout: ['milliseconds, a number from 0 on', (value) => typeof value === 'number' && value >= 0],
  on: ['an object of listeners, { question: () => 1 }', isListeners],
  port: ['a whole number, the port of the gateway', Number.isInteger],
};

function isListeners(value: unknown): boolean {
  return isRecordLike(value) && Object.values(value).every((listener) => typeof listener === 'function');
}

/**
 * Checks the arguments of `createTestClient`.
 *
 * @throws TypeError that names the parameter or option, its value and the accepted values
 */
export function checkTestClient(app: unknown, pathOrOptions: unknown): void {
  if (typeof Reflect.get(Object(app) as object, 'getHttpServer') !== 'function')
    refuse(WHERE, 'app', app, APP);
  if (typeof pathOrOptions === 'string') return;
  assertOptions(WHERE, pathOrOptions, Object.keys(RULES), "{ path: '/chat' }, or a path", 'pathOrOptions');
  for (const [name, [takes, accepts]] of Object.entries(RULES)) {
    const value: unknown = Reflect.get(pathOrOptions as object, name);
    if (value !== undefined && !accepts(value)) refuseOption(WHERE, name, value, takes);
  }
}
