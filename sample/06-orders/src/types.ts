import { NestFactory } from '@nestjs/core';
import { writeTypes } from 'nestjs-envelope/contract';
import { AppModule } from './app.module.js';

// Writes the types of the page from the gateway and its schemas. Opens no port and creates no provider.
const app = await NestFactory.createApplicationContext(AppModule, { preview: true, logger: ['error'] });
await writeTypes(app, 'web/events.ts', { title: 'Orders', version: '1.0.0' });
console.log('Wrote web/events.ts');
