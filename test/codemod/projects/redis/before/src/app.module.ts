import { Module } from '@nestjs/common';
import { ChatGateway } from './chat/chat.gateway';
import { RoomsGateway } from './chat/rooms.gateway';

@Module({ providers: [ChatGateway, RoomsGateway] })
export class AppModule {}
