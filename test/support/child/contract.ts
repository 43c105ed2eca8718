import { NestFactory } from '@nestjs/core';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { createContract, writeTypes } from '../../../lib/contract/index.js';
import { serveCommands } from './program.js';

class Dto {
  name!: string;
}

@WebSocketGateway()
class Gateway {
  @SubscribeMessage('say')
  say(@MessageBody() dto: Dto): string {
    return dto.name;
  }
}

const PEERS = ['@nestjs/swagger', 'class-validator', 'class-transformer'];

serveCommands({
  async schemas() {
    const module = { module: class AppModule {}, providers: [Gateway] };
    const app = await NestFactory.create(module, { preview: true, logger: false });
    const { components } = await createContract(app, { title: 'Peers', version: '1.0.0' });
    return components.schemas;
  },
  /** Returns the message and code of the error of `writeTypes`. */
  async types() {
    const module = { module: class AppModule {}, providers: [Gateway] };
    const app = await NestFactory.create(module, { preview: true, logger: false });
    const error = await writeTypes(app, '/nowhere/events.ts').catch((thrown: unknown) => thrown);
    return [(error as Error).message, Reflect.get(Object(error) as object, 'code')];
  },
  async installed() {
    const found = await Promise.allSettled(PEERS.map((name) => import(name)));
    return PEERS.filter((_, index) => found[index]!.status === 'fulfilled');
  },
});

// keeps the process alive while the contract is created
process.channel!.ref();
