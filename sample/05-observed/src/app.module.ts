import { Module } from '@nestjs/common';
import { EnvelopeModule } from 'nestjs-envelope';
import { AuctionModule } from './auction/auction.module.js';
import { HomeController } from './home.controller.js';
import { OperationsModule } from './operations/operations.module.js';

@Module({
  imports: [EnvelopeModule.forRoot(), AuctionModule, OperationsModule],
  controllers: [HomeController],
})
export class AppModule {}
