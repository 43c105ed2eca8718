import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { EnvelopeModule } from 'nestjs-envelope';
import { AdminGateway } from './admin/admin.gateway.js';
import { PresenceService } from './admin/presence.service.js';
import { authConfig } from './auth/auth.config.js';
import { AuthModule } from './auth/auth.module.js';
import { StatusController } from './status.controller.js';
import { MessagesGateway } from './messages/messages.gateway.js';
import { PageController } from './page.controller.js';

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true, load: [authConfig] }),
    EnvelopeModule.forRoot(),
    AuthModule,
  ],
  controllers: [StatusController, PageController],
  providers: [MessagesGateway, AdminGateway, PresenceService],
})
export class AppModule {}
