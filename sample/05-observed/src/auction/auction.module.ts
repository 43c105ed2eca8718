import { Module } from '@nestjs/common';
import { AuctionGateway } from './auction.gateway.js';
import { AuctionService } from './auction.service.js';

@Module({ providers: [AuctionGateway, AuctionService] })
export class AuctionModule {}
