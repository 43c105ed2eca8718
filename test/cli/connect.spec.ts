import { execFileSync } from 'node:child_process';
import { startSharedApp, type TestApp } from '../support/app.js';
import { cli, Cli, jsonLines } from '../support/cli.js';
import { deferred, until } from '../support/wait.js';
import { CliGateway, GuardedGateway } from './gateway.js';

const TIME = String.raw`\d\d:\d\d:\d\d\.\d{3}`;

describe('nestjs-envelope connect', () => {
  let app: TestApp;
  const gateway = (): CliGateway => app.nest.get(CliGateway);
  const url = (): string => app.url('/ws');

  beforeAll(async () => {
    app = await startSharedApp({ providers: [CliGateway, GuardedGateway] });
  });
  beforeEach(() => {
    gateway().release = deferred();
    gateway().notes.length = 0;
  });
  afterAll(() => app.close());

  describe('with lines from a pipe', () => {
    it('sends each line, prints all messages with their times, and waits for the answers', async () => {
      const connect = new Cli(['connect', url()], {
        input:
          'ask held\n# a comment\n\nemit note {"a": 1}\nask echo two words\n{"event":"echo","data":1,"id":"raw"}\n',
      });
      // the input has ended, and one answer is missing
      await connect.prints('"ack":"raw"');
      expect(gateway().notes).toEqual([{ a: 1 }]);
      gateway().release.resolve();
      const { code, stdout, stderr } = await connect.ended;
      const lines = stdout.trimEnd().split('\n');
      for (const line of lines)
        expect(line).toMatch(new RegExp(`^${TIME} [<>] {.*}(  \\(\\d+(\\.\\d+)? ms\\))?$`));
      expect(lines[0]).toContain('< {"event":"$session"');
      expect(lines.filter((line) => line.includes(' > ')).map((line) => line.slice(15))).toEqual([
        '{"event":"held","id":1}',
        '{"event":"note","data":{"a":1}}',
        '{"event":"echo","data":"two words","id":2}',
        '{"event":"echo","data":1,"id":"raw"}',
      ]);
      expect(lines.at(-1)).toMatch(/{"event":"held","data":"released","ack":1} {2}\([\d.]+ ms\)$/);
      expect([code, stderr]).toEqual([0, `connected to ${url()}\n`]);
    });

    it('prints one object a line with --json', async () => {
      const { code, stdout, stderr } = await cli(['connect', url(), '--json'], { input: 'ask echo 1' });
      const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
      expect(jsonLines(stdout)).toEqual([
        { type: 'received', time, message: expect.objectContaining({ event: '$session' }) },
        { type: 'sent', time, message: { event: 'echo', data: 1, id: 1 } },
        { type: 'received', time, message: { event: 'echo', data: 1, ack: 1 }, ms: expect.any(Number) },
      ]);
      expect([code, stderr]).toEqual([0, '']);
    });

    it('exits with 1 if a line fails, is refused, or gets no answer in time', async () => {
      const input = (line: string): Promise<{ code: number | null; stderr: string }> =>
        cli(['connect', url(), '--timeout', '3s'], { input: line });
      const [wrong, bare, refused, late, late2, ok] = await Promise.all([
        input('aks echo 1'),
        input('message hi'),
        input('emit nothing'),
        input('ask never'),
        input('{"event":"never","id":1}'),
        input('exit\naks echo'),
      ]);
      expect(wrong).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('unknown word "aks". Did you mean "ask"?'),
      });
      expect(bare.stderr).toContain(
        'unknown word "message". Write "emit message" to send an event of that name',
      );
      expect(refused).toMatchObject({ code: 1 });
      expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('operation has timed out') });
      expect(late2).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('no answer to 1 requests within 3000 ms'),
      });
      expect(ok).toMatchObject({ code: 0 });
    });

    it('waits where a line says so, and ends a stream at the end', async () => {
      const connect = new Cli(['connect', url(), '--timeout', '30s'], {
        input: 'ask held\nwait\nask echo 1\nstream three\nwait\n',
      });
      await connect.prints('> {"event":"held"');
      gateway().release.resolve();
      const { code, stdout } = await connect.ended;
      expect(code).toBe(0);
      expect(stdout.indexOf('released')).toBeLessThan(stdout.indexOf('"event":"echo"'));
      expect(stdout.match(/"more":true/g)).toHaveLength(3);
      const endless = await cli(['connect', url(), '--timeout', '2s'], { input: 'stream endless' });
      expect(endless.code).toBe(0);
      expect(endless.stdout).toContain('> {"event":"$cancel"');
    });

    it('exits with the code of the end, by which the server closes', async () => {
      const [goodbye, kicked] = await Promise.all([
        cli(['connect', url()], { input: 'emit kick 1000\nask never' }),
        cli(['connect', url()], { input: 'emit kick 4000\nask never' }),
      ]);
      expect([goodbye.code, kicked.code]).toEqual([0, 3]);
      expect(kicked.stderr).toContain('error: the server closed the connection: 4000 kicked\n');
    });

    it('sends credentials on the open connection, and hides those of its options', async () => {
      const { code, stdout } = await cli(
        ['connect', app.url('/guarded'), '--token', 'first-token', '--token-by', 'message'],
        { input: 'ask me\nwait\nauth second\nwait\nask me\n' },
      );
      expect(code).toBe(0);
      expect(stdout).toContain('> {"event":"$auth","data":{"token":"***"}');
      expect(stdout).toContain('> {"event":"$auth","data":{"token":"second"}');
      expect(stdout).toContain('"token":"second"},"ack"');
      expect(stdout).not.toContain('first-token');
    });

    it('ends with 130 and a close frame on SIGINT', async () => {
      const before = gateway().disconnects;
      const connect = new Cli(['connect', url()]);
      await connect.prints('connected to');
      connect.process.kill('SIGINT');
      expect(await connect.ended).toMatchObject({ code: 130 });
      await until('the disconnect', () => gateway().disconnects === before + 1);
    });
  });

  describeWithTerminal('at a terminal', () => {
    it('keeps a prompt, completes words and events, and ends on Ctrl-C', async () => {
      const connect = new Cli(['connect', url()], { isTerminal: true });
      await connect.prints('Write help for help');
      gateway().server.emit('said', 'hi');
      await connect.prints('"said","data":"hi"}\r\n\x1b[1G\x1b[0J> ');
      // the colours of a terminal
      expect(connect.stdout).toContain('\x1b[32m< ');
      // in a text that arrives at once, a tab is a tab
      connect.write('as');
      await connect.prints('> \x1b[3Gas');
      connect.write('\t');
      await connect.prints('ask ');
      connect.write('echo 1\r');
      await connect.prints('{"event":"echo","data":1,"ack":1}');
      connect.write('emit sa');
      await connect.prints('emit sa');
      connect.write('\t');
      await connect.prints('emit said');
      connect.write('\x03');
      connect.write('ask echo 2\r');
      await connect.prints('{"event":"echo","data":2,"ack":2}');
      connect.write('help\r');
      await connect.prints('cancel all requests');
      connect.write('\x03');
      expect(await connect.ended).toMatchObject({ code: 130 });
    });

    it('shows no colours with NO_COLOR, and leaves on Ctrl-D', async () => {
      const connect = new Cli(['connect', url()], { isTerminal: true, env: { NO_COLOR: '1' } });
      await connect.prints('Write help for help');
      connect.write('ask nothing\r');
      await connect.prints('unknown_event');
      connect.write('\x04');
      const { code, stdout } = await connect.ended;
      expect(code).toBe(0);
      expect(stdout).not.toMatch(/\p{Cc}\[\d+m/u);
    });
  });
});

/** Runs only where `script` of util-linux makes pseudo-terminals. */
function describeWithTerminal(name: string, tests: () => void): void {
  let isPresent = process.env.CI === 'true';
  try {
    isPresent ||= execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    process.stderr.write(
      'nestjs-envelope connect at a terminal: skipped, there is no "script" of util-linux\n',
    );
  }
  (isPresent ? describe : describe.skip)(name, tests);
}
