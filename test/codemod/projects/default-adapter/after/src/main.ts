import { NestFactory } from '@nestjs/core';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { socketIO } from 'nestjs-envelope/socket.io';
import { AppModule } from './app.module.js';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  app.useWebSocketAdapter(
    new EnvelopeAdapter(app, {
      transports: [socketIO({ path: '/live', transports: ['websocket'] })],
      replies: 'requests',
    }),
  );
  await app.listen(process.env.PORT ?? 3000);
}
void bootstrap();
