import 'reflect-metadata';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NestFactory } from '@nestjs/core';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { connect, RequestError } from 'nestjs-envelope/client';
import { createTestClient, UpgradeRefusedError } from 'nestjs-envelope/testing';
import { AppModule } from '../src/app.module.js';

interface ServerToClient {
  echo: (text: string) => void;
}
interface ClientToServer {
  echo: (text: string, answer: (text: string) => void) => void;
}

it('nestjs-envelope/testing and /client, ES modules', async () => {
  const app = await NestFactory.create(AppModule, { logger: false });
  app.useWebSocketAdapter(new EnvelopeAdapter(app));
  const tester = await createTestClient<ServerToClient, ClientToServer>(app, '/ws');
  assert.equal(await tester.emitWithAck('echo', 'one'), 'one');
  tester.emit('echo', 'two', () => undefined);
  await tester.expectNone('echo');
  await assert.rejects(createTestClient(app, '/nowhere'), (error: unknown) => {
    assert.ok(error instanceof UpgradeRefusedError);
    return error.status === 404;
  });

  const url = new URL('/ws', await app.getUrl());
  const socket = connect(url, { reconnection: false });
  assert.equal(await socket.emitWithAck('echo', 'three'), 'three');
  await assert.rejects(socket.emitWithAck('unknown'), RequestError);

  // Both connections end with the application.
  await app.close();
  assert.equal((await tester.ended()).code, 1001);
  assert.equal(socket.state, 'closed');
});
