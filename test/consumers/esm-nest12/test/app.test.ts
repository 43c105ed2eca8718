import 'reflect-metadata';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { WebSocket } from 'ws';
import { AppModule } from '../src/app.module.js';

const platforms = { Express: () => new ExpressAdapter(), Fastify: () => new FastifyAdapter() };

for (const [name, platform] of Object.entries(platforms)) {
  describe(`Nest 12, ES modules, ${name}`, () => {
    let app: INestApplication;
    let ws: WebSocket;

    const ask = async (frame: object): Promise<unknown> => {
      const answer = once(ws, 'message');
      ws.send(JSON.stringify(frame));
      return JSON.parse(String((await answer)[0]));
    };

    before(async () => {
      app = await NestFactory.create(AppModule, platform(), { logger: false });
      app.useWebSocketAdapter(new EnvelopeAdapter(app));
      await app.listen(0, '127.0.0.1');
      ws = new WebSocket(`ws://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/ws`);
      await once(ws, 'open');
    });

    after(async () => {
      ws.close();
      await app.close();
    });

    it('answers a request with its id', async () => {
      assert.deepEqual(await ask({ event: 'echo', data: 1, id: 7 }), { event: 'echo', data: 1, ack: 7 });
    });

    it('answers a message without an id', async () => {
      assert.deepEqual(await ask({ event: 'echo', data: 1 }), { event: 'echo', data: 1 });
    });

    it('gives handlers the exported classes', async () => {
      assert.deepEqual(await ask({ event: 'classes', id: 1 }), {
        event: 'classes',
        data: [true, true],
        ack: 1,
      });
    });
  });
}
