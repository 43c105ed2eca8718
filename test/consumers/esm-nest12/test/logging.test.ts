import 'reflect-metadata';
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { it } from 'node:test';
import { Injectable, Module, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { ClsInterceptor, ClsModule, ClsService } from 'nestjs-cls';
import { EnvelopeAdapter, messageContext, type EnvelopeOptions } from 'nestjs-envelope';
import { connect } from 'nestjs-envelope/client';
import { Logger, LoggerModule, PinoLogger } from 'nestjs-pino';
import { WebSocket } from 'ws';

/** The lines that pino has written. */
const lines: Record<string, unknown>[] = [];
const stream = new Writable({
  write(chunk: Buffer, _encoding, done) {
    lines.push(JSON.parse(chunk.toString()));
    done();
  },
});

@Injectable()
class AuditService {
  constructor(private readonly cls: ClsService) {}
  async read(): Promise<unknown[]> {
    await new Promise(setImmediate);
    return [this.cls.getId(), this.cls.get('event')];
  }
}

const setup = (cls: ClsService): void => cls.set('event', messageContext()?.event);
const idGenerator = (): string => messageContext()?.requestId ?? 'none';

@UseInterceptors(new ClsInterceptor({ setup, generateId: true, idGenerator }))
@WebSocketGateway({ path: '/ws' })
class LoggedGateway {
  constructor(private readonly audit: AuditService) {}
  @SubscribeMessage('values')
  values(): Promise<unknown[]> {
    return this.audit.read();
  }
  @SubscribeMessage('fails')
  fail(): never {
    throw new Error('the database is away');
  }
}

@Module({
  imports: [ClsModule.forRoot({ global: true }), LoggerModule.forRoot({ pinoHttp: { stream } })],
  providers: [LoggedGateway, AuditService],
})
class LoggedModule {}

class RequestSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { headers: { 'x-request-id': 'r-7' } });
  }
}

it('nestjs-cls and nestjs-pino: get the context and the errors of messages', async () => {
  const app = await NestFactory.create(LoggedModule, new ExpressAdapter(), { bufferLogs: true });
  app.useLogger(app.get(Logger));
  const pino = await app.resolve(PinoLogger);
  const onError: NonNullable<EnvelopeOptions['onError']> = (err, { where, event }) =>
    pino.error({ err, event }, where);
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { onError, messageContext: true }));
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const socket = connect(`ws://127.0.0.1:${port}/ws`, { WebSocket: RequestSocket });
  try {
    assert.deepEqual(await socket.emitWithAck('values'), ['r-7', 'values']);
    await assert.rejects(socket.emitWithAck('fails'));
    const errors = lines.filter(({ level }) => Number(level) >= 50);
    assert.deepEqual(
      errors.map(({ msg, context, event }) => [msg, context ?? event]),
      [
        ['/ws: "fails" threw: the database is away', 'EnvelopeAdapter'],
        ['/ws: "fails" threw', 'fails'],
      ],
    );
  } finally {
    socket.disconnect();
    await app.close();
  }
});
