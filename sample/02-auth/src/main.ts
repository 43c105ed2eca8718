import { ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
app.useWebSocketAdapter(new EnvelopeAdapter(app));
app.enableShutdownHooks();
await app.listen(app.get(ConfigService).get('PORT', 3006), '0.0.0.0');
console.log(`Open ${(await app.getUrl()).replace('127.0.0.1', 'localhost')}/`);
