import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { runOnSchedule } from '../../lib/cli/load/schedule.js';
import { startSharedApp, type TestApp } from '../support/app.js';
import { Cli, cliHere, jsonLines } from '../support/cli.js';
import { deferred, until } from '../support/wait.js';
import { CliGateway } from './gateway.js';

describe('nestjs-envelope load', () => {
  let app: TestApp;
  const gateway = (): CliGateway => app.nest.get(CliGateway);
  const url = (): string => app.url('/ws');
  const summaryOf = (stdout: string): Record<string, never> =>
    jsonLines(stdout).find(({ type }) => type === 'summary') as Record<string, never>;

  beforeAll(async () => {
    app = await startSharedApp({ providers: [CliGateway] });
  });
  beforeEach(() => {
    gateway().release = deferred();
    gateway().requests = 0;
  });
  afterAll(() => app.close());

  const summary = {
    count: expect.any(Number),
    mean: expect.any(Number),
    p50: expect.any(Number),
    p90: expect.any(Number),
    p99: expect.any(Number),
    p999: expect.any(Number),
    max: expect.any(Number),
  };

  it('sends on time to a server that does not answer, and counts each wait from the planned time', async () => {
    const load = new Cli(['load', url(), 'held', ...'-c 2 -r 100 -d 1s --json'.split(' ')]);
    // all are sent, although none was answered
    await until('100 requests', () => gateway().requests === 100);
    gateway().release.resolve();
    const { code, stdout, stderr } = await load.ended;
    const result = summaryOf(stdout);
    expect(result).toEqual({
      type: 'summary',
      url: url(),
      seconds: expect.any(Number),
      clients: { planned: 2, opened: 2, lost: 0 },
      connect: { ...summary, count: 2 },
      messages: {
        planned: 100,
        sent: 100,
        answered: 100,
        refused: 0,
        unanswered: 0,
        rate: expect.any(Number),
      },
      received: 0,
      latency: { ...summary, count: 100 },
      serverTime: { ...summary, count: 100 },
      errors: [],
      hints: [],
      self: {
        busy: expect.any(Number),
        cpu: expect.any(Number),
        loopDelay: expect.any(Number),
        sendDelay: { ...summary, count: 100 },
        limits: expect.any(Array),
        isLate: expect.any(Boolean),
      },
    });
    // the server answered after the last planned time, which is 990 ms after the first one, in steps of 10 ms
    const { latency } = result as unknown as { latency: Record<string, number> };
    expect(latency['max']).toBeGreaterThanOrEqual(985);
    expect(latency['p50']).toBeGreaterThanOrEqual(485);
    expect(latency['mean']).toBeGreaterThanOrEqual(485);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('counts refusals and timeouts, and exits with 1', async () => {
    const options = '-c 2 -r 50 -d 200ms --timeout 3s --json'.split(' ');
    const [refused, late] = await Promise.all([
      cliHere(['load', url(), 'fail', ...options]),
      cliHere(['load', url(), 'never', ...options]),
    ]);
    expect([refused.code, late.code]).toEqual([1, 1]);
    expect(summaryOf(refused.stdout)).toMatchObject({
      messages: { sent: 10, answered: 0, refused: 10, unanswered: 0 },
      errors: [{ message: 'no name; no password', count: 10 }],
    });
    const result = summaryOf(late.stdout);
    expect(result).toMatchObject({
      messages: { sent: 10, answered: 0, refused: 0, unanswered: 10 },
      errors: [{ message: 'operation has timed out', count: 10 }],
      latency: { count: 10 },
    });
    // a timer may be a millisecond early
    expect((result as unknown as { latency: { p50: number } }).latency.p50).toBeGreaterThanOrEqual(2_998);
  });

  it('says why no client connects, and exits with 3', async () => {
    const [refused, full] = await Promise.all([
      cliHere(['load', app.url('/nowhere'), 'echo', '-c', '3']),
      cliHere(['load', url(), '-c', '3', '-d', '100ms']),
    ]);
    expect(refused).toMatchObject({ code: 3, stderr: '' });
    expect(refused.stdout).toMatch(/^clients +0 of 3 connected, 0 lost\n/);
    expect(refused.stdout).toContain(
      '3 x could not connect: HTTP status 404: No gateway is mounted on this path\n',
    );
    // without an event the clients only listen
    expect(full).toMatchObject({ code: 0 });
    expect(full.stdout).toMatch(/^clients +3 of 3 connected, 0 lost\nreceived +0 events\n/);
  });

  it('says that it was the bottleneck itself, where it was', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    server.on('connection', (socket) => socket.send('{"event":"$session","data":{}}'));
    try {
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const options = '-c 1 -r 2000000 -d 500ms --emit'.split(' ');
      const load = new Cli(['load', `127.0.0.1:${port}`, 'event', ...options]);
      const { code, stdout } = await load.ended;
      expect(code).toBe(0);
      expect(stdout).toMatch(/^This process was the bottleneck: .*it sent \d+ of 1000000 planned messages/m);
    } finally {
      server.close();
    }
  });

  it('prints what it has on SIGINT, and exits with 130', async () => {
    const load = new Cli(['load', url(), 'held', '-c', '2', '-d', '1h', '--json']);
    await until('requests', () => gateway().requests > 5);
    load.process.kill('SIGINT');
    const { code, stdout } = await load.ended;
    expect(code).toBe(130);
    expect(summaryOf(stdout)).toMatchObject({ clients: { opened: 2 }, messages: { answered: 0 } });
  });

  describe('runOnSchedule', () => {
    const { signal } = new AbortController();

    it('keeps the planned times, however long a task takes', async () => {
      const planned: number[] = [];
      const block = (): void => {
        const end = performance.now() + 30;
        while (performance.now() < end);
      };
      const done = await runOnSchedule(
        { rate: 200, total: 20 },
        (index, time) => {
          planned.push(time);
          expect(performance.now()).toBeGreaterThanOrEqual(time);
          if (index === 3) block();
        },
        signal,
      );
      expect(done).toBe(20);
      for (const [index, time] of planned.entries()) expect(time - planned[0]!).toBeCloseTo(index * 5, 6);
    });

    it('ends when the signal aborts', async () => {
      const controller = new AbortController();
      const done = await runOnSchedule(
        { rate: 1_000, total: 1_000_000 },
        (index) => index === 2 && controller.abort(),
        controller.signal,
      );
      expect(done).toBe(3);
    });
  });
});
