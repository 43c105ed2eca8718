import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { EnvelopeModule } from 'nestjs-envelope';
import { AnnouncerService } from './announcer.service.js';
import { ChatGateway } from './chat.gateway.js';
import { ChatHistoryService } from './chat-history.service.js';
import { envelopeOptions } from './envelope-options.js';
import { PageController } from './page.controller.js';

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    EnvelopeModule.forRootAsync({ inject: [ConfigService], useFactory: envelopeOptions }),
  ],
  controllers: [PageController],
  providers: [ChatGateway, ChatHistoryService, AnnouncerService],
})
export class AppModule {}
