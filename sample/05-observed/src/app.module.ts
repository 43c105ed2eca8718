import { Module } from '@nestjs/common';
import { EnvelopeModule } from 'nestjs-envelope';
import { LoggerModule } from 'nestjs-pino';
import { AuctionModule } from './auction/auction.module.js';
import { HomeController } from './home.controller.js';
import { OperationsModule } from './operations/operations.module.js';

@Module({
  imports: [
    EnvelopeModule.forRoot(),
    LoggerModule.forRoot({ pinoHttp: { level: process.env['LOG_LEVEL'] ?? 'trace', autoLogging: false } }),
    AuctionModule,
    OperationsModule,
  ],
  controllers: [HomeController],
})
export class AppModule {}
