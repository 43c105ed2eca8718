import { NestFactory } from '@nestjs/core';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { AppModule } from './app.module.js';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  app.useWebSocketAdapter(
    new EnvelopeAdapter(app, {
      // cors: { origin: 'https://app.example' }, // other sites whose pages may connect; default: none
      // path: '/ws', // for gateways that name no path; default: '/'
      // recovery: true, // clients get the messages that they missed while they were disconnected
      // trustProxy: 'loopback', // the proxy in front of the server, for the addresses of clients
    }),
  );
  await app.listen(process.env.PORT ?? 3000);
}
await bootstrap();
