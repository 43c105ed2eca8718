import { NestFactory } from '@nestjs/core';
import { writeContract } from 'nestjs-envelope/contract';
import { AppModule } from './app.module.js';
import { contractOptions } from './contract.options.js';

// Writes the contract to a file, for a build or a repository of contracts. Opens no port and creates no provider.
const [file = 'asyncapi.yaml'] = process.argv.slice(2);
const app = await NestFactory.createApplicationContext(AppModule, { preview: true, logger: ['error'] });
await writeContract(app, file, contractOptions);
console.log(`Wrote ${file}`);
