import { readFile } from 'node:fs/promises';
import { createContract, type Contract } from '../../lib/contract/index.js';
import { EnvelopeExplorer } from '../../lib/explorer/index.js';
import { mountExplorer } from '../../lib/explorer/explorer-mount.js';
import type { TestApp } from '../support/app.js';
import { startChat, theContract } from './chat.js';
import { coded } from '../support/error-code.js';

const start = (enabled?: boolean): Promise<TestApp> =>
  startChat((app) => mountExplorer('ws-docs', app, theContract, enabled));
const status = async (app: TestApp, path = '/ws-docs'): Promise<number> =>
  (await fetch(`http://127.0.0.1:${app.port}${path}`)).status;
const logged = (app: TestApp): string[] => app.log.of('log').filter((text) => text.includes('/ws-docs'));

describe('EnvelopeExplorer.setup', () => {
  const environment = process.env.NODE_ENV;
  afterEach(() => {
    process.env.NODE_ENV = environment;
  });

  it('serves the page and logs its path', async () => {
    const app = await start();
    expect(await status(app)).toBe(200);
    expect(logged(app)).toEqual(["Serves the gateways' contract on /ws-docs"]);
  });

  it('creates the contract of the application', async () => {
    const options = { title: 'Chat', version: '1.2.3' };
    const app = await startChat((app) => EnvelopeExplorer.setup('ws-docs', app, options));
    const answer = await fetch(`http://127.0.0.1:${app.port}/ws-docs/asyncapi.json`);
    const contract = (await answer.json()) as Contract;
    expect(contract).toEqual(await createContract(app.nest, options));
    expect(contract.info).toEqual(options);
    expect(Object.values(contract.channels).map(({ address }) => address)).toEqual([
      '/rooms/{room}',
      '/ws/chat',
    ]);
  });

  it('takes title and version from the package.json of the application by default', async () => {
    const app = await startChat((app) => EnvelopeExplorer.setup('ws-docs', app));
    const answer = await fetch(`http://127.0.0.1:${app.port}/ws-docs/asyncapi.json`);
    const { name: title, version } = JSON.parse(await readFile('package.json', 'utf8')) as Record<
      string,
      string
    >;
    expect(((await answer.json()) as Contract).info).toEqual({ title, version });
  });

  it('serves nothing in production and logs the reason', async () => {
    process.env.NODE_ENV = 'production';
    const app = await start();
    for (const path of ['/ws-docs', '/ws-docs/asyncapi.json', '/ws-docs/app.js'])
      expect(await status(app, path)).toBe(404);
    expect(logged(app)).toEqual([
      '/ws-docs is not served: NODE_ENV is production. Set enabled: true to serve it there, too',
    ]);
  });

  it('serves the page in production when enabled, but no details of sockets', async () => {
    process.env.NODE_ENV = 'production';
    const app = await start(true);
    const client = await app.connect('/ws/chat', { protocols: ['envelope.v1'] });
    const { data } = await client.next('$session');
    expect(await status(app)).toBe(200);
    expect(await status(app, `/ws-docs/sockets/${data.id}`)).toBe(404);
  });

  it('hides the reason of a missing contract in production', async () => {
    process.env.NODE_ENV = 'production';
    const contract = (): Promise<never> => Promise.reject(new Error('two classes are called Dto'));
    const app = await startChat((app) => mountExplorer('ws-docs', app, contract, true));
    const answer = await fetch(`http://127.0.0.1:${app.port}/ws-docs/asyncapi.json`);
    expect(await answer.json()).toEqual({ statusCode: 500, message: 'Internal server error' });
  });

  it('serves nothing when disabled', async () => {
    const app = await start(false);
    expect(await status(app)).toBe(404);
    expect(logged(app)).toEqual([]);
  });

  it('requires a separate path and a call before the application is initialised', async () => {
    const app = await start();
    const setup = (path: string): void => mountExplorer(path, app.nest, theContract, undefined);
    for (const path of ['/', 'my docs', 'dö', 'x?y', ':x'])
      expect(() => setup(path)).toThrow(
        /EnvelopeExplorer\.setup: path is '.*': it takes a path such as 'ws-docs'/,
      );
    expect(() => setup('late')).toThrow(
      coded('ERR_ENVELOPE_ALREADY_INITIALISED', 'Call it before app.init() and app.listen()'),
    );
  });
});
