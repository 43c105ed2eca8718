import { spawn } from 'node:child_process';
import { startStreaming } from './fixture.js';
import { HttpLine, post } from './http-client.js';
import { until } from '../support/wait.js';

describe('a client that only listens', () => {
  it('is curl, which sees a room live', async () => {
    const { gateway, port } = await startStreaming({ pingInterval: 20, pingTimeout: 20 });
    const curl = spawn('curl', [
      '-sN',
      '--json',
      '{"token":"ada"}',
      `http://127.0.0.1:${port}/ws?envelope=listen`,
    ]);
    let text = '';
    curl.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    await until('$session', () => text.includes('$session'));
    gateway.server.to('room').emit('news', 'one');
    await until('the message', () => text.includes('{"event":"news","data":"one"}\n'));
    // it answers no beat, and stays
    await until('ten beats', () => text.split('["beat"]\n').length > 10);
    expect(text.startsWith('["line",null,0]\n{"event":"$session"')).toBe(true);
    const client = gateway.last;
    expect(client.user).toEqual({ id: 'ada' });
    curl.kill();
    expect(await gateway.endOf(client)).toEqual(['transport close', 1006]);
  });

  it('has no key, and one response', async () => {
    const { gateway, port } = await startStreaming({}, { rotateAfter: 10, rotateAt: 10 });
    const line = await HttpLine.start(port, { path: '/ws?envelope=listen&x' });
    expect(line.control[0]).toEqual(['line', null, 0]);
    gateway.last.emit('news', 'x'.repeat(100));
    await line.next('news');
    expect(line.control).toHaveLength(1);
    for (const key of ['null', '', 'null.null.null'])
      expect((await post(port, '/ws?envelope=send', '', { 'Envelope-Line': key })).status).toBe(400);
    gateway.last.disconnect();
    expect((await line.closed())[0]).toBe('close');
  });
});
