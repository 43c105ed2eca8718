import { Writable } from 'node:stream';
import { Module } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { LoggerModule } from 'nestjs-pino';

/** The lines that pino has written. */
export const lines: Record<string, unknown>[] = [];

const stream = new Writable({
  write(chunk: Buffer, _encoding, done) {
    lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
    done();
  },
});

@WebSocketGateway({ path: '/ws' })
export class FailingGateway {
  @SubscribeMessage('fails')
  fail(): never {
    throw new Error('the database is away');
  }
  @SubscribeMessage('refuses')
  refuse(): never {
    throw new WsException('not you');
  }
}

@Module({ imports: [LoggerModule.forRoot({ pinoHttp: { stream } })], providers: [FailingGateway] })
export class AppModule {}
