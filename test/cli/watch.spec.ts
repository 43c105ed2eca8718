import { startSharedApp, type TestApp } from '../support/app.js';
import { Cli, cliHere, jsonLines } from '../support/cli.js';
import { CliGateway } from './gateway.js';
import { until } from '../support/wait.js';

describe('nestjs-envelope watch', () => {
  let app: TestApp;
  const gateway = (): CliGateway => app.nest.get(CliGateway);
  const url = (): string => app.url('/ws');

  beforeAll(async () => {
    app = await startSharedApp({ providers: [CliGateway] }, { adapter: { recovery: true } });
  });
  afterAll(() => app.close());

  /** Starts a command, and waits until it is connected. */
  const connected = async (args: string[]): Promise<Cli> => {
    const before = gateway().server.sockets.size;
    const command = new Cli(args);
    await until('the connection', () => gateway().server.sockets.size === before + 1);
    return command;
  };

  it('prints all events with their time until SIGINT', async () => {
    const watch = await connected(['watch', url()]);
    gateway().server.emit('said', { text: 'hi' });
    gateway().server.emit('bye');
    await watch.prints('bye');
    watch.process.kill('SIGINT');
    const { code, stdout, stderr } = await watch.ended;
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} said {"text":"hi"}\n\d\d:\d\d:\d\d\.\d{3} bye\n$/);
    expect([code, stderr]).toEqual([130, `connected to ${url()}\n`]);
  });

  it('makes requests first, prints the events with these names, and ends after --count', async () => {
    const { code, stdout, stderr } = await cliHere([
      ...['watch', url(), 'changed', 'missing', '--subscribe', 'watch {"id":7}'],
      ...['--count', '2', '--json'],
    ]);
    const events = jsonLines(stdout).filter(({ type }) => type === 'event');
    const time = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(events).toEqual([
      { type: 'event', time, event: 'changed', data: { id: 7, state: 'one' } },
      { type: 'event', time, event: 'changed', data: { id: 7, state: 'two' } },
    ]);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('ends after --for: with 0, or with 1 if --count is not reached', async () => {
    const [time, count] = await Promise.all([
      cliHere(['watch', url(), '--for', '50ms']),
      cliHere(['watch', url(), '--for', '50ms', '--count', '1']),
    ]);
    expect([time.code, count.code]).toEqual([0, 1]);
  });

  it('exits with 1 when a request is refused, with 3 when the connection ends', async () => {
    const refused = await cliHere(['watch', url(), '-s', 'fail']);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('error: no name; no password\n'),
    });
    const watch = await connected(['watch', url()]);
    for (const socket of await gateway().server.fetchSockets()) socket.disconnect(true);
    const { code, stderr } = await watch.ended;
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('error: the server closed the connection: 1000'),
    ]);
    const lost = await connected(['watch', url(), '--json']);
    for (const socket of gateway().server.sockets.values()) socket.terminate();
    const end = await lost.ended;
    expect(end.code).toBe(3);
    expect(jsonLines(end.stdout)).toEqual([
      {
        type: 'error',
        message: expect.stringMatching(/^the server closed the connection: 1006/),
        code: 1006,
        reason: '',
      },
    ]);
  });

  it('connects again with --reconnect', async () => {
    const watch = await connected(['watch', url(), '--reconnect', '--subscribe', 'echo 1']);
    for (const socket of gateway().server.sockets.values()) socket.terminate();
    await until('the second connection', () => gateway().server.sockets.size === 1);
    gateway().server.emit('again', 1);
    await watch.prints('again 1');
    expect(watch.stderr).toContain('connection lost: 1006');
    watch.process.kill('SIGINT');
    expect(await watch.ended).toMatchObject({ code: 130 });
  });
});
