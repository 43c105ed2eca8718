import { join } from 'node:path';
import process from 'node:process';
import { WebSocketGateway } from '@nestjs/websockets';
import { startFixture } from '../conformance/fixture.js';
import { describeWithPython, PYTHON } from '../conformance/clients.js';
import { MutantProxy } from '../conformance/mutants/proxy.js';
import { MUTANTS } from '../conformance/mutants/servers.js';
import { startApp, type TestApp } from '../support/app.js';
import { cliHere } from '../support/cli.js';

interface Line {
  type: string;
  outcome?: string;
  rule?: string;
  failed?: number;
  passed?: number;
  skipped?: number;
  name?: string;
}

@WebSocketGateway({ path: '/plain' })
class PlainGateway {}

describe('nestjs-envelope conformance', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startFixture();
  });
  afterAll(() => app.close());

  it('checks a server by its URL, and prints a table of the rules', async () => {
    const { code, stdout } = await cliHere([
      'conformance',
      '--url',
      app.url('/protocol'),
      '--only',
      'streams',
    ]);
    expect(stdout).toMatch(/^rule +passed +failed +skipped$/m);
    expect(stdout).toMatch(/^9\.1 +2 +0 +0$/m);
    expect(stdout).toMatch(/^\d+ passed, 0 failed, 0 skipped$/m);
    expect(code).toBe(0);
  });

  it('finds a faulty server: exit code 1, the check and the rule', async () => {
    const { change } = MUTANTS.find(({ fault }) => fault.startsWith('accepts any value as "stream"'))!;
    const proxy = await MutantProxy.start(app.url('/protocol'), change);
    const { code, stdout } = await cliHere(['conformance', '--url', proxy.url, '--only', '5.4', '--json']);
    await proxy.close();
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    expect(code).toBe(1);
    expect(lines.find(({ type }) => type === 'rule')).toMatchObject({ rule: '5.4', failed: 4, passed: 2 });
    expect(lines.at(-1)).toEqual({ type: 'summary', passed: 2, failed: 4, skipped: 0 });
  });

  it('shows checks of what a server lacks as skipped', async () => {
    const other = await startApp({ providers: [PlainGateway] });
    const only = ['--only', 'recovery › accepts a token once'];
    const { code, stdout } = await cliHere(['conformance', '--url', other.url('/plain'), ...only]);
    expect(stdout).toMatch(/^15\.1 +0 +0 +1$/m);
    expect(stdout).toContain('0 passed, 0 failed, 1 skipped');
    expect(code).toBe(0);
  });

  it.each([
    [[], 'one of --url and --client is needed'],
    [['--url', 'ws://x', '--client', 'y'], 'one of --url and --client is needed'],
    [['--url', 'http://localhost/'], '--url is "http://localhost/": it takes a URL such as'],
    [['--client', 'true', '--only', 'no such check'], '--only: no check has "no such check"'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await cliHere(['conformance', ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('says where no server answers', async () => {
    const { code, stderr } = await cliHere(['conformance', '--url', 'ws://127.0.0.1:9/x']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('sent no $session')]);
  });

  describeWithPython('a client', () => {
    const client = `${PYTHON} ${join(process.cwd(), 'test/conformance/bare_client.py')}`;

    it('is started by its command', async () => {
      const { code, stdout } = await cliHere(['conformance', '--client', client, '--only', '9.1']);
      expect([code, stdout]).toEqual([0, expect.stringContaining('1 passed, 0 failed, 0 skipped')]);
    });
  });
});
