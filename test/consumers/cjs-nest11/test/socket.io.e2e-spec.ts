import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { socketIO } from 'nestjs-envelope/socket.io';
import { io, type Socket } from 'socket.io-client';
import { AppModule } from './../src/app.module';

describe.each(['polling', 'websocket'])('Nest 11, CommonJS, a Socket.IO client over %s', (transport) => {
  let app: INestApplication;
  let client: Socket;

  beforeEach(async () => {
    const moduleFixture = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = moduleFixture.createNestApplication();
    app.useWebSocketAdapter(new EnvelopeAdapter(app, { transports: [socketIO()] }));
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    client = io(`http://127.0.0.1:${port}/ws`, { transports: [transport], forceNew: true });
  });

  afterEach(async () => {
    client.disconnect();
    await app.close();
  });

  it('gets the result of a handler as the acknowledgement', async () => {
    expect(await client.timeout(5_000).emitWithAck('echo', { text: 'hi' })).toEqual({ text: 'hi' });
  });

  it('is an instance of the exported class', async () => {
    expect(await client.timeout(5_000).emitWithAck('classes')).toEqual([true, true]);
  });
});
