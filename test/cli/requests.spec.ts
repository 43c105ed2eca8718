import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from '../support/certificate.js';
import { startApp, startSharedApp, type TestApp } from '../support/app.js';
import { cli, Cli, cliHere, jsonLines } from '../support/cli.js';
import { CliGateway, RoomsGateway } from './gateway.js';
import { until } from '../support/wait.js';

describe('nestjs-envelope ask and emit', () => {
  let app: TestApp;
  let folder: string;
  const gateway = (): CliGateway => app.nest.get(CliGateway);
  /** Without a scheme. */
  const at = (path = '/ws'): string => `127.0.0.1:${app.port}${path}`;

  beforeAll(async () => {
    app = await startSharedApp({ providers: [CliGateway, RoomsGateway] });
    folder = await mkdtemp(join(tmpdir(), 'cli-'));
  });
  afterAll(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  it('prints the answer, for people and for scripts', async () => {
    const [plain, json] = await Promise.all([
      cli(['ask', at(), 'echo', '{"a":[1,"é"]}']),
      cli(['ask', at(), 'echo', '{"a":1}', '--json']),
    ]);
    expect(plain).toEqual({ code: 0, stdout: '{"a":[1,"é"]}\n', stderr: '' });
    expect(json).toMatchObject({ code: 0, stderr: '' });
    expect(jsonLines(json.stdout)).toEqual([
      { type: 'answer', event: 'echo', data: { a: 1 }, ms: expect.any(Number) },
    ]);
  });

  it('takes data as a text, from a file and from standard input', async () => {
    const file = join(folder, 'data.json');
    writeFileSync(file, '{"from":"a file"}\n');
    const results = await Promise.all([
      cli(['ask', at(), 'echo', 'two words']),
      cli(['ask', at(), 'echo', `@${file}`]),
      cli(['ask', at(), 'echo', '-'], { input: ' [1,\n2] ' }),
      cli(['ask', at(), 'echo', '--', '-5']),
      cli(['ask', at(), 'echo']),
    ]);
    expect(results.map(({ stdout }) => stdout)).toEqual([
      '"two words"\n',
      '{"from":"a file"}\n',
      '[1,2]\n',
      '-5\n',
      'null\n',
    ]);
  });

  it('connects to a namespace, with and without a scheme', async () => {
    const results = await Promise.all([
      cliHere(['ask', at('/rooms/red'), 'where']),
      cliHere(['ask', `http://${at('/rooms/blue')}`, 'where']),
      cliHere(['ask', `ws://${at('/rooms/a%20b')}`, 'where']),
    ]);
    expect(results.map(({ stdout }) => stdout)).toEqual([
      '{"room":"red"}\n',
      '{"room":"blue"}\n',
      '{"room":"a b"}\n',
    ]);
  });

  it('exits with 1 when the server refuses the request, and says why', async () => {
    const [unknown, failed, json] = await Promise.all([
      cliHere(['ask', at(), 'nothing']),
      cliHere(['ask', at(), 'fail']),
      cliHere(['ask', at(), 'fail', '--json']),
    ]);
    expect(unknown).toEqual({ code: 1, stdout: '', stderr: 'error: no handler takes "nothing"\n' });
    expect(failed).toEqual({ code: 1, stdout: '', stderr: 'error: no name; no password\n' });
    expect(json).toMatchObject({ code: 1, stderr: '' });
    expect(jsonLines(json.stdout)).toEqual([
      {
        type: 'error',
        message: 'no name; no password',
        event: 'fail',
        data: expect.objectContaining({ statusCode: 401, message: ['no name', 'no password'] }),
        ms: expect.any(Number),
      },
    ]);
  });

  it('exits with 1 after --timeout, and with 3 without a connection', async () => {
    const [late, refused, unknown] = await Promise.all([
      cliHere(['ask', at(), 'never', '--timeout', '3s']),
      cliHere(['ask', 'localhost:1/ws', 'echo', '--json']),
      cliHere(['ask', at('/nowhere'), 'echo']),
    ]);
    expect(late).toEqual({ code: 1, stdout: '', stderr: 'error: operation has timed out\n' });
    expect(refused.code).toBe(3);
    expect(jsonLines(refused.stdout)).toEqual([
      { type: 'error', message: expect.stringContaining('ECONNREFUSED'), exitCode: 3 },
    ]);
    expect(unknown).toEqual({
      code: 3,
      stdout: '',
      stderr: 'error: could not connect: HTTP status 404: No gateway is mounted on this path\n',
    });
  });

  it('exits with 3 when the connection ends before the answer', async () => {
    const result = await cliHere(['ask', at(), 'kick', '4000']);
    expect(result).toEqual({ code: 3, stdout: '', stderr: 'error: connection lost: kicked\n' });
  });

  it('prints the values of a stream', async () => {
    const [all, some, json] = await Promise.all([
      cliHere(['ask', at(), 'three', '--stream']),
      cliHere(['ask', at(), 'endless', '--stream', '-n', '2']),
      cliHere(['ask', at(), 'three', '--stream', '--json']),
    ]);
    expect(all).toEqual({ code: 0, stdout: '"a"\n"b"\n"c"\n', stderr: '' });
    expect(some).toEqual({ code: 0, stdout: '0\n1\n', stderr: '' });
    expect(jsonLines(json.stdout).map(({ data }) => data)).toEqual(['a', 'b', 'c']);
  });

  it('ends with 130 and a close frame on SIGINT, 143 on SIGTERM', async () => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const before = gateway().disconnects;
      const stream = new Cli(['ask', at(), 'endless', '--stream']);
      await stream.prints('0\n');
      stream.process.kill(signal);
      expect(await stream.ended).toMatchObject({ code, stderr: '' });
      await until('the disconnect', () => gateway().disconnects === before + 1);
    }
  });

  it('ends without an error when nobody reads its output', async () => {
    const stream = new Cli(['ask', at(), 'endless', '--stream']);
    await stream.prints('0\n');
    stream.process.stdout!.destroy();
    expect(await stream.ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('emits: exits with 0 when the server has the event, with 1 when it refuses it', async () => {
    const [plain, json, unknown] = await Promise.all([
      cliHere(['emit', at(), 'note', 'plain']),
      cliHere(['emit', at(), 'note', '{"a":1}', '--json']),
      cliHere(['emit', at(), 'nothing']),
    ]);
    expect(plain).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(jsonLines(json.stdout)).toEqual([
      { type: 'sent', event: 'note', data: { a: 1 }, id: expect.any(String) },
    ]);
    expect(gateway().notes).toEqual(expect.arrayContaining(['plain', { a: 1 }]));
    expect(unknown).toEqual({ code: 1, stdout: '', stderr: 'error: no handler takes "nothing"\n' });
  });

  it('accepts a self-signed certificate with --insecure only', async () => {
    const secure = await startApp({ providers: [CliGateway] }, { https: selfSigned() });
    const url = `wss://127.0.0.1:${secure.port}/ws`;
    const [refused, accepted] = await Promise.all([
      cliHere(['ask', url, 'echo', '1']),
      cliHere(['ask', url, 'echo', '1', '--insecure']),
    ]);
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('self-signed certificate') });
    expect(accepted).toMatchObject({ code: 0, stdout: '1\n' });
  });
});
