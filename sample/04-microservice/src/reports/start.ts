import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ReportsModule } from './reports.module.js';

/**
 * Starts the reports service.
 *
 * @param usersUrl the URL of the users service
 */
export async function startReports(port: number, usersUrl: string): Promise<INestApplication> {
  const app = await NestFactory.create(ReportsModule.register(usersUrl));
  app.enableShutdownHooks();
  await app.listen(port, '127.0.0.1');
  return app;
}
