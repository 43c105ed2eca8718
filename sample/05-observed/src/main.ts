import { ConsoleLogger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { EnvelopeExplorer } from 'nestjs-envelope/explorer';
import { AppModule } from './app.module.js';
import { contractOptions } from './contract.options.js';
import { startTelemetry } from './operations/telemetry.js';
import { startBidders } from './bidders.js';

startTelemetry();
// connections are logged at the level verbose
const logger = new ConsoleLogger({ json: true, logLevels: ['verbose', 'log', 'warn', 'error', 'fatal'] });
const app = await NestFactory.create(AppModule, { logger });
app.useWebSocketAdapter(new EnvelopeAdapter(app));
EnvelopeExplorer.setup('ws-docs', app, contractOptions);
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 3010, '0.0.0.0');

const url = (await app.getUrl()).replace('127.0.0.1', 'localhost');
for (const page of ['ws-docs', 'metrics', 'traces', 'health', 'ready']) logger.log(`${url}/${page}`);
await startBidders(url);
// with the logger, because its lines appear later than those of console.log
logger.log(`Open ${url}/`);
