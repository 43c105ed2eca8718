import { NestFactory } from '@nestjs/core';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { AppModule } from './app.module';

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { cors: { origin: 'http://localhost' } }));
  await app.listen(process.env.PORT ?? 0);
  // For a test in another process.
  process.send?.(await app.getUrl());
  // Shows that the app starts and stops with Node's own loader, not only Jest's.
  if (process.argv.includes('--once')) await app.close();
}
void bootstrap();
