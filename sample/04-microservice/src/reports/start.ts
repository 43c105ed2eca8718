import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ReportsModule } from './reports.module.js';

/** @param users where the other service is */
export async function startReports(port: number, users: string): Promise<INestApplication> {
  const app = await NestFactory.create(ReportsModule.register(users));
  app.enableShutdownHooks();
  await app.listen(port, '127.0.0.1');
  return app;
}
