import { Module } from '@nestjs/common';
import { EnvelopeModule } from 'nestjs-envelope';
import { RosterService } from './roster.service.js';
import { ClusterExit } from './cluster-exit.js';
import { PageController } from './page.controller.js';
import { RedisClients } from './redis-clients.js';
import { RoomGateway } from './room.gateway.js';

@Module({
  imports: [EnvelopeModule.forRoot()],
  controllers: [PageController],
  providers: [RoomGateway, RosterService, RedisClients, ClusterExit],
})
export class AppModule {}
