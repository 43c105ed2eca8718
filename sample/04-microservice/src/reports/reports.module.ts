import { Module, type DynamicModule } from '@nestjs/common';
import { ClientsModule } from '@nestjs/microservices';
import { EnvelopeClient } from 'nestjs-envelope/microservices';
import { ReportsController } from './reports.controller.js';

@Module({})
export class ReportsModule {
  static register(url: string): DynamicModule {
    const clients = ClientsModule.register([
      { name: 'USERS', customClass: EnvelopeClient, options: { url } },
    ]);
    return { module: ReportsModule, imports: [clients], controllers: [ReportsController] };
  }
}
