import { join } from 'node:path';
import { ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { AppModule } from './app.module.js';
import { servePage } from './serve-page.js';

const app = await NestFactory.create<NestExpressApplication>(AppModule);
app.useWebSocketAdapter(new EnvelopeAdapter(app));
servePage(app, join(import.meta.dirname, '../dist/web'));
app.enableShutdownHooks();
await app.listen(app.get(ConfigService).get('PORT', 3011), '0.0.0.0');
console.log(`Open ${(await app.getUrl()).replace('127.0.0.1', 'localhost')}/`);
