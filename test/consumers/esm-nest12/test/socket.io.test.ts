import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { socketIO } from 'nestjs-envelope/socket.io';
import { io, type Socket } from 'socket.io-client';
import { AppModule } from '../src/app.module.js';

for (const transport of ['polling', 'websocket']) {
  describe(`Nest 12, ES modules, a Socket.IO client over ${transport}`, () => {
    let app: INestApplication;
    let client: Socket;

    before(async () => {
      app = await NestFactory.create(AppModule, { logger: false });
      app.useWebSocketAdapter(new EnvelopeAdapter(app, { transports: [socketIO()] }));
      await app.listen(0, '127.0.0.1');
      const { port } = app.getHttpServer().address() as AddressInfo;
      client = io(`http://127.0.0.1:${port}/ws`, { transports: [transport], forceNew: true });
    });

    after(async () => {
      client.disconnect();
      await app.close();
    });

    it('gets the result of a handler as the acknowledgement', async () => {
      assert.deepEqual(await client.timeout(5_000).emitWithAck('echo', { text: 'hi' }), { text: 'hi' });
    });

    it('is an instance of the exported class', async () => {
      assert.deepEqual(await client.timeout(5_000).emitWithAck('classes'), [true, true]);
    });
  });
}

describe('nestjs-envelope without its entry for Socket.IO', () => {
  it('loads nothing of it', () => {
    const script =
      "require('nestjs-envelope');" +
      'console.log(Object.keys(require.cache).filter((file) => /engine\\.io|socket\\.io-parser|socketio/.test(file)).length)';
    assert.equal(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim(), '0');
  });
});
