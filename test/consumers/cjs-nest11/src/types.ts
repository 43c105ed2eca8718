import { NestFactory } from '@nestjs/core';
import { writeContract, writeTypes } from 'nestjs-envelope/contract';
import { AppModule } from './app.module';

/** Writes the contract and the types of clients: `node dist/src/types.js <contract> <types>`. */
async function bootstrap(): Promise<void> {
  const [contract = '', types = ''] = process.argv.slice(2);
  const app = await NestFactory.createApplicationContext(AppModule, { preview: true, logger: false });
  await writeContract(app, contract);
  await writeTypes(app, types);
}
void bootstrap();
