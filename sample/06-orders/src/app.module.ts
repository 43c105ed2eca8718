import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { EnvelopeModule } from 'nestjs-envelope';
import { DemoTraffic } from './orders/demo-traffic.service.js';
import { OrdersFile } from './orders/orders-file.service.js';
import { OrdersGateway } from './orders/orders.gateway.js';
import { OrdersRepository } from './orders/orders.repository.js';
import { OrdersService } from './orders/orders.service.js';
import { PresenceService } from './people/presence.service.js';

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }), // what the gateway sends is checked against its schemas, but not in production
    EnvelopeModule.forRoot({ validateEmits: process.env['NODE_ENV'] !== 'production' }),
  ],
  providers: [OrdersGateway, OrdersService, OrdersRepository, OrdersFile, PresenceService, DemoTraffic],
})
export class AppModule {}
