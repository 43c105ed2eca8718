import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { WebSocket } from 'ws';
import { AppModule } from './../src/app.module';

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('Nest 11, CommonJS, %s', (_name, platform) => {
  let app: INestApplication;
  let ws: WebSocket;

  const ask = async (frame: object): Promise<unknown> => {
    const answer = once(ws, 'message');
    ws.send(JSON.stringify(frame));
    return JSON.parse(String((await answer)[0]));
  };

  beforeEach(async () => {
    const moduleFixture = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = moduleFixture.createNestApplication(platform());
    app.useWebSocketAdapter(new EnvelopeAdapter(app));
    await app.listen(0, '127.0.0.1');
    ws = new WebSocket(`ws://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/ws`);
    await once(ws, 'open');
  });

  afterEach(async () => {
    ws.close();
    await app.close();
  });

  it('answers a request with its id', async () => {
    expect(await ask({ event: 'echo', data: 1, id: 7 })).toEqual({ event: 'echo', data: 1, ack: 7 });
  });

  it('answers a message without an id', async () => {
    expect(await ask({ event: 'echo', data: 1 })).toEqual({ event: 'echo', data: 1 });
  });

  it('gives handlers the exported classes', async () => {
    expect(await ask({ event: 'classes', id: 1 })).toEqual({ event: 'classes', data: [true, true], ack: 1 });
  });
});
